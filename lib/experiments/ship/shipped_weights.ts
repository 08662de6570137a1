/** What is shipped of a run's weights: the network that is evaluated, in half precision. */
import { join } from "@std/path";
import { isEvaluated } from "lib/ssl/methods.ts";
import { listCheckpoints, listSnapshots } from "lib/runs/checkpoints.ts";
import { safetensorsBytes } from "lib/weights/safetensors.ts";
import { toHalf } from "lib/weights/saved_array.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import { openWeightsFile } from "lib/weights/weights_file.ts";
import {
  classifierContents,
  readClassifier,
  versionOf,
} from "lib/experiments/explain/explained.ts";
import { fittedSubject } from "lib/experiments/runs/evaluations.ts";
import type { RunFolder } from "lib/experiments/runs/run_folder.ts";
import type { SubjectWeights } from "lib/experiments/subjects/subject.ts";
import type { FinishedRun, Refusal } from "./finished_run.ts";
import { halfWeights } from "./half_weights.ts";

/** Files in half precision. */
export interface HalfFiles {
  /** A safetensors file of the network, with the names that a checkpoint has for it. */
  readonly weights: Uint8Array;
  /** Classifiers that were fitted to its features, by the names of their files. */
  readonly classifiers: ReadonlyMap<string, Uint8Array>;
}

/**
 * Reads the teacher's backbone of a pre-training, with the layers of its head that are evaluated, or
 * the whole network of a supervised run or of a detector, or says why it cannot be shipped.
 */
export function readHalfFiles(run: FinishedRun): HalfFiles | Refusal {
  const { folder, config: { recipe }, header: { status: { step } } } = run;
  const newest = listCheckpoints(folder.path)[0];
  if (newest?.step !== step) {
    return { refused: "the checkpoint of its last step is missing; --weights none does without" };
  }
  const evaluated = isEvaluated(recipe);
  try {
    const file = halfWeights(
      newest.path,
      (name) => evaluated(name) || name.startsWith("model."),
    );
    const classifiers = readClassifiers(folder, { path: newest.path, version: `step ${step}` });
    return { weights: safetensorsBytes(file), classifiers };
  } catch (error) {
    return { refused: (error as Error).message };
  }
}

/**
 * The snapshots of a run by their steps, in order, as they are: they are in half precision already.
 *
 * @throws {Error} If one is damaged; the message names it.
 */
export function readSnapshots({ path }: RunFolder): ReadonlyMap<number, Uint8Array> {
  return new Map(
    listSnapshots(path).map((file) => {
      readTrainingState(file.path); // checks it
      return [file.step, Deno.readFileSync(file.path)];
    }),
  );
}

/**
 * The classifiers in a folder of `outputs/` that were fitted to features of the given weights, in
 * half precision, by the names of their files.
 */
export function readClassifiers(
  folder: RunFolder,
  weights: Omit<SubjectWeights, "folder">,
): ReadonlyMap<string, Uint8Array> {
  const version = versionOf({ folder, ...weights });
  const classifiers = new Map<string, Uint8Array>();
  for (const name of [...Deno.readDirSync(folder.path)].map(({ name }) => name).sort()) {
    if (!["teacher", "supervised"].includes(fittedSubject(name) ?? "")) continue;
    const fitted = readClassifier(() => openWeightsFile(join(folder.path, name)), version);
    if (fitted === undefined) continue; // of earlier weights
    const { arrays, metadata } = classifierContents(fitted);
    const half = new Map([...arrays].map(([name, array]) => [name, toHalf(array)]));
    classifiers.set(name, safetensorsBytes({ arrays: half, metadata }));
  }
  return classifiers;
}
