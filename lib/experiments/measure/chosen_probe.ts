/** A linear probe whose learning rate is chosen without looking at test images. */
import type { TrainHooks } from "lib/runs/events.ts";
import type { PretrainConfig, RunKey } from "lib/experiments/configs/config.ts";
import { linearProbe, probeRates } from "lib/experiments/measure/linear_probe.ts";
import type { SubjectOrPixels } from "lib/experiments/subjects/subject.ts";

/** The chosen rate and its accuracy. */
export interface ChosenProbe {
  /** The rate that did best on training images held out, for 256 images. */
  readonly lr: number;
  /** Accuracy on the test images after the last epoch, a fraction. */
  readonly top1: number;
}

export interface ChosenProbeOptions
  extends Pick<RunKey, "scale" | "seed">, Pick<TrainHooks, "signal"> {
  readonly of: SubjectOrPixels;
  /** Epochs of each probe; by default, the reference's 100, and at `smoke` 10. */
  readonly epochs?: number;
}

const heldOut = 0.1; // share of the training images to choose a rate by

/**
 * Rates to choose from: two more than a probe tries by itself, since 0.3, its last, is the best one
 * for DINO's features of emoji.
 */
export const scoreRates = [...probeRates, 1, 3] as const;

/**
 * Trains probes on nine tenths of the training images, chooses the rate that did best on the other
 * tenth, and tests the probe of that rate after training on all of them. Results that `outputs/`
 * has are loaded.
 *
 * @throws As {@linkcode linearProbe}.
 */
export async function chosenProbe(
  config: PretrainConfig,
  options: ChosenProbeOptions,
): Promise<ChosenProbe> {
  const probe = { ...options, lrs: scoreRates };
  const trial = await linearProbe(config, { ...probe, holdOut: heldOut });
  const { lr } = trial.courses.reduce((a, b) => b.last.top1 > a.last.top1 ? b : a);
  const { courses } = await linearProbe(config, probe);
  return { lr, top1: courses.find((course) => course.lr === lr)!.last.top1 };
}
