/** Trained detectors: in `outputs/`, or shipped with the project. */
import { createMaskRcnn, type MaskRcnn } from "lib/detect/network/mask_rcnn.ts";
import { createRng } from "lib/rng.ts";
import { bestPath, listCheckpoints } from "lib/runs/checkpoints.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { loadTrainedModel } from "lib/weights/trained_model.ts";
import { detectorId, type DetectorKey } from "lib/experiments/detect/detector_config.ts";
import { folderOf, type RunFolder } from "lib/experiments/runs/run_folder.ts";
import { readStatus } from "lib/experiments/runs/run_status.ts";
import { NotSavedError } from "lib/experiments/runs/saved_only.ts";
import { shippedRun, shippedWeights } from "lib/experiments/runs/shipped.ts";

/** Which checkpoint: the run's last, or the one with the best AP of boxes. */
export type DetectorCheckpoint = "last" | "best";

export interface DetectorWeights {
  readonly folder: RunFolder;
  /** The file; absent if the run is shipped without these weights. */
  readonly path?: string;
  /** Tells these weights from later ones in the same file: `step 2000`. */
  readonly version: string;
  /** Why there is no file, and how to make it. */
  readonly unavailable?: string;
}

/**
 * Finds a detector without reading it.
 *
 * @throws {RangeError} If `of` is unknown.
 * @throws {Error} If it is not there; the message says which verb makes it.
 */
export function findDetector(key: DetectorKey, of: DetectorCheckpoint): DetectorWeights {
  const folder = folderOf(detectorId(key));
  if (of !== "last" && of !== "best") { // plain JavaScript and notebooks get here
    throw new RangeError(`Unknown detector "${of satisfies never}": use last or best`);
  }
  const shipped = shippedRun(folder);
  if (shipped !== undefined) {
    const at = of === "last" ? undefined : shipped.status.best?.step;
    const retrain = "finetuneDetector(config, { scale, seed, fresh: true })";
    return { folder, ...shippedWeights(shipped, { at, retrain }) };
  }
  const last = listCheckpoints(folder.path)[0];
  const step = of === "last" ? last?.step : readStatus(folder)?.best?.step;
  if (last === undefined || step === undefined) {
    throw new Error(
      `Run ${folder.id} is not in outputs/: call finetuneDetector() with the same options`,
    );
  }
  const path = of === "last" ? last.path : bestPath(folder.path);
  return { folder, path, version: `step ${step}` };
}

/**
 * Loads the network of a checkpoint; the caller owns it.
 *
 * @param numClasses Number of classes, including the background.
 * @throws {NotSavedError} If the run is shipped without these weights.
 * @throws {Error} If the file is damaged, or of another network.
 */
export function loadSavedDetector(
  { config, seed }: DetectorKey,
  { path, unavailable }: DetectorWeights,
  numClasses: number,
): MaskRcnn {
  if (path === undefined) throw new NotSavedError(unavailable ?? "Cannot load a detector: no file");
  const model = createMaskRcnn({ ...config.model, numClasses }, createRng(seed));
  const optimizer: OptimizerState = new Map();
  try {
    loadTrainedModel(path, { model, optimizer });
    return model;
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  } finally {
    disposeOptimizer(optimizer);
  }
}
