/** Evaluations for which several processes compute features together. */
import { numberOfFirst } from "lib/distributed/agree.ts";
import type { World } from "lib/distributed/world.ts";
import { evaluated, type EvaluatedOptions } from "lib/experiments/runs/evaluations.ts";
import type { RunFolder } from "lib/experiments/runs/run_folder.ts";

/**
 * As `evaluated` in process 0. The others help it if the result has to be computed, and then load
 * what it has saved, so that all return the same.
 *
 * @param compute In process 0.
 * @param help In the others.
 * @throws What `compute` throws, in process 0; {@linkcode LostPeerError} in the others when it ends.
 */
export async function evaluatedTogether<T>(
  folder: RunFolder,
  options: EvaluatedOptions,
  { compute, help }: {
    readonly compute: () => Promise<T>;
    readonly help: () => Promise<void>;
  },
  world: World,
): Promise<T> {
  if (world.rank === 0) {
    let isComputed = false;
    const result = await evaluated(folder, options, async () => {
      numberOfFirst(world, 1);
      isComputed = true;
      return await compute();
    });
    if (!isComputed) numberOfFirst(world, 0);
    numberOfFirst(world, 1); // the result is saved
    return result;
  }
  if (numberOfFirst(world, 0) === 1) await help();
  numberOfFirst(world, 0);
  return await evaluated(folder, { ...options, fresh: false }, () => {
    throw new Error(
      `Cannot load the ${options.name} of ${folder.id} that process 0 has saved: ` +
        "the processes need the same outputs/",
    );
  });
}
