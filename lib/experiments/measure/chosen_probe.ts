/** A linear probe whose learning rate no test image has chosen. */
import type { TrainHooks } from "lib/runs/events.ts";
import type { PretrainConfig, RunKey } from "lib/experiments/configs/config.ts";
import { linearProbe, probeRates } from "lib/experiments/measure/linear_probe.ts";
import type { SubjectOrPixels } from "lib/experiments/subjects/subject.ts";

/** What it reached. */
export interface ChosenProbe {
  /** For 256 images: the rate that did best on training images held out. */
  readonly lr: number;
  /** After the last epoch, of the test images; a fraction. */
  readonly top1: number;
}

export interface ChosenProbeOptions
  extends Pick<RunKey, "scale" | "seed">, Pick<TrainHooks, "signal"> {
  readonly of: SubjectOrPixels;
  /** By default, the reference's 100. */
  readonly epochs?: number;
}

const heldOut = 0.1; // of the training images, to choose a rate by

/** Two more than a probe tries by itself: DINO's features of emoji do best at 0.3, the last of those. */
export const scoreRates = [...probeRates, 1, 3] as const;

/**
 * Trains probes on nine tenths of the training images, chooses the rate that did best on the other tenth, and tests the probe of
 * that rate among those trained on all of them. What `outputs/` has of it is loaded.
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
