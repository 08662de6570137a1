/** Runs a program in several processes on this machine. */
import { localAddresses, variablesOf } from "lib/distributed/peers.ts";

/** How a process has ended. */
export interface EndedProcess {
  /** The exit code; 137 if it was killed. */
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

export interface TogetherOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with the processes, by rank, once they are started. */
  readonly meanwhile?: (processes: readonly Deno.ChildProcess[]) => Promise<void>;
}

/**
 * Starts a program as the processes of a world, and waits until all have ended.
 *
 * @param program In `lib`: `testing/distributed/operations.ts`.
 * @returns By rank.
 */
export async function together(
  program: string,
  size: number,
  { args = [], env = {}, meanwhile }: TogetherOptions = {},
): Promise<EndedProcess[]> {
  const addresses = localAddresses(size);
  const path = new URL(`../../${program}`, import.meta.url).pathname;
  const processes = addresses.map((_, rank) =>
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", path, ...args],
      env: { TF_CPP_MIN_LOG_LEVEL: "3", ...env, ...variablesOf({ rank, addresses }) },
      stdout: "piped",
      stderr: "piped",
    }).spawn()
  );
  const ends = Promise.all(processes.map((process) => process.output()));
  await meanwhile?.(processes);
  return (await ends).map(({ code, stdout, stderr }) => ({
    code,
    output: new TextDecoder().decode(stdout),
    errors: new TextDecoder().decode(stderr),
  }));
}
