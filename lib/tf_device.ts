/**
 * What devices and their drivers write on the terminal. Imports no package: set-up uses it too.
 *
 * tfjs does not say what a WebGPU device complains about: after a command that the device refuses,
 * as with a shader that does not compile, it goes on with tensors that nothing was written to.
 */

/** What the event of an error holds. */
interface Complaint {
  readonly error: { readonly message: string };
}

/**
 * Writes a line for each kind of error.
 *
 * @param write Takes the lines; by default they go to stderr.
 */
export function reportDeviceErrors(
  device: EventTarget,
  write: (line: string) => void = console.error,
): void {
  const known = new Set<string>();
  device.addEventListener("uncapturederror", (event) => {
    const [message] = (event as unknown as Complaint).error.message.trim().split("\n", 1);
    if (known.has(message!)) return;
    known.add(message!);
    write(`WebGPU refused a command, so that numbers from here on are wrong: ${message}`);
  });
}

/**
 * Sets the folder in which drivers look for a display. Without it they complain on the terminal,
 * though nothing is displayed.
 */
export function quietDrivers(): void {
  if (!Deno.env.has("XDG_RUNTIME_DIR")) Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
}
