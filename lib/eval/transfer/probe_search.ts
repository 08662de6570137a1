/**
 * ELEVATER's search for the learning rate and weight decay of a linear probe (Li et al. 2022,
 * `full_model_finetune.py`), and the probe with the setting that is found.
 */
import type { Rng } from "lib/rng.ts";
import type { TransferMetric } from "lib/datasets/transfer/transfer_types.ts";
import { type HeadSetting, trainHeads } from "./probe_heads.ts";
import {
  firstOfEachClass,
  randomOfEachClass,
  selectFeatures,
  type TransferFeatures,
  type ValidationSplit,
} from "./transfer_features.ts";

/** Which settings a search tries, and how it scores them. */
export interface SearchPlan {
  /** Learning rates, ascending. */
  readonly lrs: readonly number[];
  /** Weight decays, ascending. */
  readonly weightDecays: readonly number[];
  /** Every so manieth weight decay is tried first, at every rate. */
  readonly coarse: number;
  /** Then, for each rate, the two weight decays so many places left and right of its best one. */
  readonly refine: readonly number[];
  /** Epochs of a trial. */
  readonly epochs: number;
  /** Whether a score, of a trial and of the final probe, is that of the best epoch or of the last. */
  readonly scored: "best epoch" | "last epoch";
  /** Epochs of the final probe. */
  readonly finalEpochs: number;
}

/** Share of the training images to choose settings by. */
const validationShare = 0.2;

/**
 * ELEVATER's search: six rates, and of 97 weight decays from 1e-6 to 1e6 seven and then the
 * neighbours of the best. The initial release tried the left neighbour's decay in place of the
 * right one's too; this is what a later one does and its paper describes.
 */
export const elevaterPlan: SearchPlan = {
  lrs: [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
  weightDecays: Array.from({ length: 97 }, (_, i) => 10 ** (i / 8 - 6)),
  coarse: 16,
  refine: [8, 4, 2, 1],
  epochs: 10,
  scored: "best epoch",
  finalEpochs: 50,
};

/**
 * The plan of the honest probe: fewer settings, but each trial is as long as the final training and
 * counts as it ends.
 */
export const honestPlan: SearchPlan = {
  lrs: [1e-3, 1e-2, 1e-1],
  weightDecays: [1e-5, 1e-4, 1e-3, 1e-2, 1e-1],
  coarse: 1,
  refine: [],
  epochs: 50,
  scored: "last epoch",
  finalEpochs: 50,
};

/** A setting that was tried. */
export interface Trial extends HeadSetting {
  /** On the validation images, a fraction. */
  readonly score: number;
}

/** A setting that was chosen, and all that were tried, in their order. */
export interface Found extends Trial {
  readonly trials: readonly Trial[];
}

/** Result of a probe. */
export interface SearchedProbe extends Found {
  /**
   * Score on the test images: in ELEVATER's probe of the epoch that is best on them, so it is
   * optimistic; in the honest probe after the last epoch, the only time that they are looked at.
   */
  readonly testScore: number;
}

/** The plan may be shorter, for trials. */
export interface ProbeOptions {
  readonly metric: TransferMetric;
  readonly plan?: SearchPlan;
}

/**
 * ELEVATER's linear probe. The first fifth of each class of the training images chooses the
 * setting; the classifier is then trained on all training images and tested after every epoch, and
 * the best of these scores is reported.
 *
 * Differs: features are those of the backbone in evaluation mode. ELEVATER's own code leaves it in
 * training mode, so that its BatchNorms adapt to the set. A setting that diverges scores 0, where
 * PyTorch would predict class 0 for every image. PatchCamelyon's search sees all training images,
 * where ELEVATER's sees 10,000 of each class.
 *
 * @returns Yields the fraction done of the search, then of the final probe.
 */
export async function* elevaterProbe(
  train: TransferFeatures,
  test: TransferFeatures,
  { metric, plan = elevaterPlan }: ProbeOptions,
  rng: Rng,
): AsyncGenerator<number, SearchedProbe> {
  const split = firstOfEachClass(train.truth, validationShare);
  return yield* searchedProbe(train, test, split, { metric, plan, softmax: true }, rng);
}

/**
 * An honest linear probe: a random fifth of each class of the training images chooses the setting by
 * how a whole training ends; the classifier is then trained on all training images and tested once.
 *
 * @returns Yields the fraction done of the search, then of the final probe.
 */
export async function* honestProbe(
  train: TransferFeatures,
  test: TransferFeatures,
  { metric, plan = honestPlan }: ProbeOptions,
  rng: Rng,
): AsyncGenerator<number, SearchedProbe> {
  const split = randomOfEachClass(train.truth, validationShare, rng.fork("validation"));
  return yield* searchedProbe(train, test, split, { metric, plan, softmax: false }, rng);
}

interface SearchOptions extends Required<ProbeOptions> {
  readonly softmax: boolean;
}

/** Searches a setting, trains with it on all training images, and tests as the plan says. */
async function* searchedProbe(
  train: TransferFeatures,
  test: TransferFeatures,
  split: ValidationSplit,
  options: SearchOptions,
  rng: Rng,
): AsyncGenerator<number, SearchedProbe> {
  const { metric, plan: { finalEpochs: epochs, scored }, softmax } = options;
  const found = yield* searchSetting(train, split, options, rng.fork("search"));
  const final = { settings: [found], epochs, metric, tested: testedFor[scored], softmax };
  const [scores] = yield* trainHeads(train, test, final, rng.fork("final"));
  return { ...found, testScore: Math.max(...scores!) };
}

/** When classifiers are tested for a score of their best epoch, or of their last. */
const testedFor = { "best epoch": "every epoch", "last epoch": "once" } as const;

/** The best weight decay so far at one rate: its place in the plan's list, and its score. */
interface Peak {
  place: number;
  score: number;
}

/**
 * Searches a setting. At equal scores the one that was tried first stays: ELEVATER goes from low to
 * high rates and decays. The trials of a round, at all rates, are trained side by side.
 */
async function* searchSetting(
  all: TransferFeatures,
  { train, validation }: ValidationSplit,
  { metric, plan, softmax }: SearchOptions,
  rng: Rng,
): AsyncGenerator<number, Found> {
  const { lrs, weightDecays, coarse, refine, epochs, scored } = plan;
  const parts = [selectFeatures(all, train), selectFeatures(all, validation)] as const;
  const peaks = lrs.map((): Peak => ({ place: 0, score: 0 }));
  const trials: Trial[] = [];
  const rounds = [undefined, ...refine];
  for (const [done, step] of rounds.entries()) {
    const tried = lrs.flatMap((lr, r) => {
      const places = step === undefined
        ? weightDecays.map((_, place) => place).filter((place) => place % coarse === 0)
        : neighbours(peaks[r]!.place, step, weightDecays.length - 1);
      return places.map((place) => ({ r, place, lr, weightDecay: weightDecays[place]! }));
    });
    const options = { settings: tried, epochs, metric, tested: testedFor[scored], softmax };
    const steps = trainHeads(...parts, options, rng);
    const scores = yield* mapped(steps, (share) => (done + share) / rounds.length);
    tried.forEach(({ r, place, lr, weightDecay }, i) => {
      const score = Math.max(...scores[i]!);
      trials.push({ lr, weightDecay, score });
      if (score > peaks[r]!.score) peaks[r] = { place, score };
    });
  }
  const best = peaks.reduce((most, { score }, r) => score > peaks[most]!.score ? r : most, 0);
  const { place, score } = peaks[best]!;
  return { lr: lrs[best]!, weightDecay: weightDecays[place]!, score, trials };
}

/** The places `step` left and right of a place, within the list; none of them is the place itself. */
function neighbours(place: number, step: number, last: number): number[] {
  return [Math.max(place - step, 0), Math.min(place + step, last)].filter((at) => at !== place);
}

async function* mapped<T>(
  steps: AsyncGenerator<number, T>,
  change: (share: number) => number,
): AsyncGenerator<number, T> {
  try {
    for (let step = await steps.next();; step = await steps.next()) {
      if (step.done) return step.value;
      yield change(step.value);
    }
  } finally {
    await steps.return(undefined as T); // frees what it holds if nobody asks for more
  }
}
