/** The processes of `deno task train` that train one run together. */
import process from "node:process";
import { localAddresses, peersIn, variablesOf } from "lib/distributed/peers.ts";
import type { JoinedWorld } from "lib/distributed/tensorflow_world.ts";
import { LostPeerError, type World } from "lib/distributed/world.ts";

/**
 * Runs `body` with the other processes of the run. They are those that the environment names, as
 * under Slurm ({@linkcode peersIn}), or `workers − 1` that are started here with this program's own
 * arguments.
 *
 * Call it before the engine is loaded: this sets how many threads it has.
 *
 * @param body Its argument is `undefined` if there is no other process.
 * @throws {LostPeerError} If another process ends early.
 */
export async function withWorkers<T>(
  workers: number,
  body: (world?: World) => Promise<T>,
): Promise<T> {
  const peers = peersIn(process.env);
  if (peers !== undefined && peers.addresses.length > 1) return await joined(peers, body);
  if (peers !== undefined || workers === 1) return await body();
  const addresses = localAddresses(workers);
  // All cores for each process would be several times as many threads as cores.
  process.env.TF_NUM_INTRAOP_THREADS ??= String(
    Math.max(1, Math.floor(navigator.hardwareConcurrency / workers)),
  );
  const others = addresses.slice(1).map((_, i) => startProcess(i + 1, addresses));
  const bodyOrNone = async (world: World) => {
    try {
      return await body(world);
    } catch (error) {
      if (isOwn(error)) others.forEach(end);
      throw error;
    }
  };
  const result = await Promise.race([
    joined({ rank: 0, addresses }, bodyOrNone),
    firstFailure(others),
  ]);
  await Promise.all(others.map(({ status }) => status));
  return result;
}

/** Whether an error says itself what is wrong. If not, another process does, and must not be ended. */
function isOwn(error: unknown): boolean {
  return !(error instanceof LostPeerError || (error as Error).name === "StoppedElsewhereError");
}

async function joined<T>(
  peers: Parameters<typeof variablesOf>[0],
  body: (world: World) => Promise<T>,
): Promise<T> {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "3"; // TensorFlow tells of each lost process many times
  const { joinWorld } = await import("lib/distributed/tensorflow_world.ts");
  const world: JoinedWorld = await joinWorld(peers);
  try {
    const result = await body(world);
    await world.leave();
    return result;
  } catch (error) {
    await world.leave(error);
    throw error;
  }
}

/** Starts this program again, as another process of the run. It hears a terminal's Ctrl-C too. */
function startProcess(rank: number, addresses: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", Deno.mainModule, ...Deno.args],
    env: { BCSSL_GPU: String(rank), ...Deno.env.toObject(), ...variablesOf({ rank, addresses }) },
    stdin: "null",
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

/** Ends a process before it says that this one is lost. */
function end(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Throws when the first process ends that does not end well. */
async function firstFailure(others: readonly Deno.ChildProcess[]): Promise<never> {
  return await new Promise((_, reject) => {
    others.forEach(async ({ status }, i) => {
      const { code } = await status;
      if (code === 0) return;
      // The world names a process that is lost in training, and does so first.
      await new Promise((done) => setTimeout(done, 10_000));
      reject(new Error(`Cannot go on: process ${i + 1} ended with exit code ${code}; see above`));
    });
  });
}
