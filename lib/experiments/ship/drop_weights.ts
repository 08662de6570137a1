/** Takes the weights of shipped runs away, so that there is room for more runs. */
import { removeIfThere } from "lib/runs/checkpoints.ts";
import { packRun, unpackRun } from "lib/runs/run_package.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import {
  packagePath,
  packagesIn,
  type ShippedHeader,
  shippedWeightsPath,
} from "lib/experiments/runs/shipped.ts";
import { matchingIds } from "./matching_ids.ts";

/**
 * Removes the files of the last weights of shipped runs. Their packages keep the checksum, so that
 * all that was measured of these weights still counts; only what is not measured yet would need a
 * training. Snapshots stay. Runs without weights stay as they are.
 *
 * @param folder The folder of shipped runs.
 * @param patterns Ids of runs; `*` stands for any letters.
 * @returns Ids of the runs whose weights were removed.
 * @throws {RangeError} If no shipped run matches one of the patterns.
 * @throws {Error} If a package is damaged; the message names it. The runs before it are done then.
 */
export function dropWeights(folder: string, patterns: readonly string[]): string[] {
  return matchingIds(packagesIn(folder), patterns, folder).filter((id) => {
    const path = packagePath(folder, id);
    const { header, parts } = unpackRun(path, Deno.readFileSync(path));
    const { weights } = header as ShippedHeader;
    if (weights === undefined || weights.dropped) return false;
    // The package first: one that names no file is no damage, a missing file is.
    const without = { ...header, weights: { ...weights, dropped: true } };
    replaceFile(path, packRun({ header: without, parts }));
    removeIfThere(shippedWeightsPath(folder, id));
    return true;
  });
}
