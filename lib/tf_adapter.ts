/** The GPU, or the driver in software, that WebGPU computes on. */

/**
 * Asks for WebGPU's adapter.
 *
 * @returns `undefined` if this machine has none.
 */
export async function requestAdapter(): Promise<GPUAdapter | undefined> {
  // Drivers look for a display in this folder and complain on the terminal if it is not set, though
  // nothing is displayed.
  if (!Deno.env.has("XDG_RUNTIME_DIR")) Deno.env.set("XDG_RUNTIME_DIR", "/tmp");
  return await navigator.gpu?.requestAdapter() ?? undefined;
}
