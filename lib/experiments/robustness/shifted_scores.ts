/** Scores of one run's linear probe on shifted images, kept in the run's folder. */
import { centerCrops } from "lib/datasets/pictures/center_crops.ts";
import {
  type CorruptionErrors,
  corruptionErrors,
  seriesForSide,
  type ShiftedAccuracy,
  shiftedAccuracy,
} from "lib/robustness/mod.ts";
import { chosenProbe } from "lib/experiments/measure/chosen_probe.ts";
import type { RunKey } from "lib/experiments/configs/config.ts";
import { openExperiment } from "lib/experiments/subjects/experiment.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";
import {
  openProbeClassifier,
  type ProbeClassifier,
} from "lib/experiments/measure/probe_classifier.ts";
import type { ShiftedSet, ShiftedSets } from "lib/experiments/robustness/shifted_sets.ts";
import { findSubject } from "lib/experiments/subjects/subject.ts";

/** Accuracies on every set; fractions. */
export interface ShiftedScores {
  /** Accuracy on the test images as they are. */
  readonly clean: ShiftedAccuracy;
  /** Errors on the clean images after corruption. */
  readonly errors: CorruptionErrors;
  /** Accuracy on sketches. */
  readonly sketch: ShiftedAccuracy;
  /** Accuracy on renditions: the same things in other styles. */
  readonly rendition: ShiftedAccuracy;
  /** Accuracy on images that another network got wrong. */
  readonly adversarial: ShiftedAccuracy;
}

export interface ShiftedScoresOptions {
  /** Opens the sets; called only if the run has no scores yet. */
  readonly sets: () => Promise<ShiftedSets>;
  readonly adversarial: () => Promise<ShiftedSet>;
  /** The run that chose the adversarial images, if a run did. */
  readonly judge?: RunKey;
  readonly signal?: AbortSignal;
}

/**
 * Tests the probe that `chosenProbe` chose on the features of the run's teacher.
 *
 * @throws {Error} If the run is not there, or `signal` was aborted: nothing is kept then.
 */
export async function shiftedScores(
  key: RunKey,
  { sets, adversarial, judge, signal }: ShiftedScoresOptions,
): Promise<ShiftedScores> {
  const { weights: { folder, version }, lr } = await chosen(key, signal);
  const { globalSize: size } = openExperiment(key).recipe.crops;
  const options = {
    version,
    lr,
    chosenBy: judge && await nameOf(judge, signal),
    severities: seriesForSide(size),
  };
  return await evaluated(folder, { name: "robustness", options, fresh: false }, async () => {
    const [shifted, hard] = [await sets(), await adversarial()];
    using probe = await openProbe(key, signal);
    const accuracy = async ({ images, among }: ShiftedSet) =>
      await shiftedAccuracy(centerCrops(images, { size }), probe.classify, { among });
    return {
      clean: await accuracy({ images: shifted.clean }),
      errors: await corruptionErrors(shifted.corrupted, probe.classify),
      sketch: await accuracy({ images: shifted.sketch }),
      rendition: await accuracy(shifted.rendition),
      adversarial: await accuracy(hard),
    };
  });
}

/** Opens the probe of a run's teacher. */
export async function openProbe(key: RunKey, signal?: AbortSignal): Promise<ProbeClassifier> {
  const { weights, lr } = await chosen(key, signal);
  const pause = interruptible(`the robustness of ${weights.folder.id}`, signal);
  return await openProbeClassifier(key, { weights, lr, pause });
}

async function chosen({ config, scale, seed }: RunKey, signal?: AbortSignal) {
  const weights = findSubject({ config, scale, seed }, "teacher");
  const { lr } = await chosenProbe(config, { scale, seed, of: "teacher", signal });
  return { weights, lr };
}

/** Everything that decides the choices of a run's probe: plain data. */
async function nameOf(key: RunKey, signal?: AbortSignal): Promise<object> {
  const { weights: { folder: { id }, version }, lr } = await chosen(key, signal);
  return { id, version, lr };
}
