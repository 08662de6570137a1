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
  /** `host:port` of each process. By default, free ports of this machine. */
  readonly addresses?: readonly string[];
  /** What a process's command follows, as `ip netns exec NAME`. By default, nothing. */
  readonly within?: (rank: number) => readonly string[];
  /** Called with the processes, by rank, once they are started. */
  readonly meanwhile?: (processes: readonly Deno.ChildProcess[]) => Promise<void>;
}

/**
 * Starts a program as the processes of a world, and waits until all have ended. If this process ends
 * earlier, however that happens, a program that calls `endWithParent` ends too.
 *
 * @param program In `lib`: `testing/distributed/operations.ts`.
 * @returns By rank.
 */
export async function together(
  program: string,
  size: number,
  { args = [], env = {}, addresses = localAddresses(size), within = () => [], meanwhile }:
    TogetherOptions = {},
): Promise<EndedProcess[]> {
  const path = new URL(`../../${program}`, import.meta.url).pathname;
  const processes = addresses.map((_, rank) => {
    const run = [Deno.execPath(), "run", "-A", "--no-check", "--v8-flags=--expose-gc"];
    const command = [...run, path, ...args];
    const [executable, ...rest] = [...within(rank), ...command];
    return new Deno.Command(executable!, {
      args: rest,
      env: { TF_CPP_MIN_LOG_LEVEL: "3", ...env, ...variablesOf({ rank, addresses }) },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  });
  const ends = Promise.all(processes.map((process) => process.output()));
  await meanwhile?.(processes);
  await ends;
  await Promise.all(processes.map(({ stdin }) => stdin.abort().catch(() => {})));
  return (await ends).map(({ code, stdout, stderr }) => ({
    code,
    output: new TextDecoder().decode(stdout),
    errors: new TextDecoder().decode(stderr),
  }));
}
