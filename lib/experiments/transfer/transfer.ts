/** The verb `transfer`: how well a run's network does on another set of images. */
import { createRng, type Rng } from "lib/rng.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { neighbourProbe } from "lib/eval/transfer/neighbour_votes.ts";
import {
  elevaterPlan,
  elevaterProbe,
  honestPlan,
  honestProbe,
  type SearchPlan,
} from "lib/eval/transfer/probe_search.ts";
import {
  featureCount,
  fewOfEachClass,
  selectFeatures,
  type TransferFeatures,
  transferFeatures,
} from "lib/eval/transfer/transfer_features.ts";
import type { TransferMetric } from "lib/datasets/mod.ts";
import type { TrainHooks } from "lib/runs/events.ts";
import { meanAndError } from "lib/stats/statistics.ts";
import { recipeAt, type RunKey, type ScaleName } from "lib/experiments/configs/config.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { drive, interruptible } from "lib/experiments/runs/pause.ts";
import {
  findSubject,
  loadSubject,
  type Subject,
  type SubjectWeights,
} from "lib/experiments/subjects/subject.ts";
import { finetuneOn } from "./finetune_transfer.ts";
import {
  drawStream,
  openTransferData,
  transferCounts,
  transferFacts,
  type TransferName,
  type TransferScoreEntry,
} from "./transfer_data.ts";

/**
 * How a network is transferred; in each, it is in evaluation mode, except while it is fine-tuned:
 *
 * - `knn`: 20 neighbours by cosine.
 * - `probe`: a linear probe whose settings are chosen on a fifth of the training images; the test
 *   images are looked at once.
 * - `elevater`: ELEVATER's probe, whose score is that of the epoch that is best on the test images:
 *   too optimistic.
 * - `finetune`: the whole network is trained, and tested once; it is a run of its own.
 */
export type TransferProtocol = "knn" | "probe" | "elevater" | "finetune";

const protocols: readonly string[] = ["knn", "probe", "elevater", "finetune"];

/** Which run to transfer, and how. */
export interface TransferOptions extends Pick<RunKey, "scale" | "seed">, TrainHooks {
  /** By default the honest linear probe. */
  readonly protocol?: TransferProtocol;
  /** Whose network. By default the run's teacher; `init` are the weights that it started from. */
  readonly of?: Subject;
  /** Training images of each class, drawn at random. By default all images. */
  readonly shots?: number;
  /** Seeds of the draws, with `shots` only; each gives a score. By default 0, 1 and 2. */
  readonly draws?: readonly number[];
  /** Where a published set lies, unpacked. By default `data/<set>`. */
  readonly folder?: string;
  /** Whether to compute results again that are there. */
  readonly fresh?: boolean;
}

/** Numbers only. */
export interface TransferResult extends Pick<RunKey, "scale" | "seed"> {
  /** Id of the run. */
  readonly run: string;
  /** Whose network was transferred. */
  readonly of: Subject;
  /** The set. */
  readonly set: TransferName;
  /** The protocol. */
  readonly protocol: TransferProtocol;
  /** What the scores are: see the set. */
  readonly metric: TransferMetric;
  /** Training images of each class; absent for all. */
  readonly shots?: number;
  /** A fraction for each draw; one if all images are used. */
  readonly scores: readonly number[];
  /** Their mean. */
  readonly mean: number;
  /** Standard error of the mean over draws; NaN for one. */
  readonly standardError: number;
  /** Number of training images of each score. */
  readonly images: readonly number[];
}

/**
 * Transfers a run's network to a set, or loads the scores that `outputs/` or the shipped run has.
 * Each score is kept as soon as it is computed, so a call that was stopped goes on where it was.
 *
 * Cost at `laptop`: features of 3,000 images once for each call, 3 to 20 seconds; a probe 3 to 15
 * seconds, ELEVATER's three times as much; fine-tuning some minutes.
 *
 * @param set Name of a set: `transferSuites` lists them.
 * @throws {RangeError} If the set or the protocol is unknown, or an option does not fit.
 * @throws {Error} If the weights or the set's files are not there, or `signal` was aborted.
 *
 * @example
 * ```ts
 * import { bcSslStart, pretrain, transfer } from "lib/experiments/mod.ts";
 * import { assertEquals, assertTrue } from "lib/testing/assert.ts";
 *
 * await pretrain(bcSslStart, { scale: "smoke", seed: 0 });
 * const options = { scale: "smoke", seed: 0, shots: 2, draws: [0, 1] } as const;
 * const { scores, mean, images } = await transfer(bcSslStart, "digits", options);
 * assertEquals([scores.length, images], [2, [20, 20]]);
 * assertTrue(mean >= 0 && mean <= 1, "a fraction");
 * ```
 */
export async function transfer(
  config: RunKey["config"],
  set: TransferName,
  options: TransferOptions,
): Promise<TransferResult> {
  const { scale, seed, protocol = "probe", of = "teacher", shots, fresh = false } = options;
  const { metric } = checked(set, options);
  const key = { config, scale, seed };
  const weights = findSubject(key, of);
  const draws = shots === undefined ? [undefined] : options.draws ?? [0, 1, 2];
  const entries: TransferScoreEntry[] = [];
  using features = openFeatures(key, set, weights, { ...options, of });
  for (const draw of draws) {
    const name = `transfer-${set}`;
    const decides = {
      ...{ protocol, of, version: weights.version, ...transferCounts(set, scale) },
      ...{ shots, draw, folder: options.folder, epochs: planOf(protocol, scale)?.epochs },
    };
    entries.push(
      protocol === "finetune"
        ? await finetuneOn({ ...key, set, of, shots, draw, folder: options.folder }, options)
        : await evaluated(weights.folder, { name, options: decides, fresh }, async () => {
          const { train, test } = await features.read();
          const own = shots === undefined
            ? train
            : selectFeatures(train, fewOfEachClass(train.truth, shots, drawStream(draw!)));
          const rng = createRng(seed).fork(`transfer to ${set}`);
          return await features.run(scoreSteps(protocol, own, test, { metric, scale, rng }));
        }),
    );
  }
  const scores = entries.map(({ score }) => score);
  const { mean, standardError } = meanAndError(scores);
  return {
    ...{ run: weights.folder.id, scale, seed, of, set, protocol, metric },
    ...(shots !== undefined && { shots }),
    ...{ scores, mean, standardError, images: entries.map(({ images }) => images) },
  };
}

function checked(
  set: string,
  { protocol = "probe", shots, draws }: TransferOptions,
): { readonly metric: TransferMetric } {
  const facts = transferFacts(set);
  if (!protocols.includes(protocol)) {
    throw new RangeError(
      `Cannot transfer by "${protocol}": the protocols are ${protocols.join(", ")}`,
    );
  }
  if (draws !== undefined && (shots === undefined || draws.length === 0)) {
    throw new RangeError(
      `Cannot transfer with draws ${JSON.stringify(draws)}: need one or more, and shots with them`,
    );
  }
  return facts;
}

/** A probe's plan; at `smoke` it is short. */
function planOf(protocol: TransferProtocol, scale: ScaleName): SearchPlan | undefined {
  if (protocol !== "probe" && protocol !== "elevater") return undefined;
  const plan = protocol === "elevater" ? elevaterPlan : honestPlan;
  return scale === "smoke" ? { ...plan, epochs: 3, finalEpochs: 3, refine: [] } : plan;
}

interface ScoreOptions {
  readonly metric: TransferMetric;
  readonly scale: ScaleName;
  readonly rng: Rng;
}

async function* scoreSteps(
  protocol: TransferProtocol,
  train: TransferFeatures,
  test: TransferFeatures,
  { metric, scale, rng }: ScoreOptions,
): AsyncGenerator<number, TransferScoreEntry> {
  const images = featureCount(train);
  if (protocol === "knn") return { score: yield* neighbourProbe(train, test, { metric }), images };
  const probe = protocol === "elevater" ? elevaterProbe : honestProbe;
  const options = { metric, plan: planOf(protocol, scale)! };
  const { testScore, lr, weightDecay } = yield* probe(train, test, options, rng);
  return { score: testScore, images, lr, weightDecay };
}

/** Features that are read when they are first asked for. Disposing of it removes their files. */
interface LazyFeatures extends Disposable {
  read(): Promise<Readonly<Record<"train" | "test", TransferFeatures>>>;
  /** Takes all steps of a computation, with pauses. */
  run<T>(steps: AsyncGenerator<unknown, T>): Promise<T>;
}

/**
 * Images are resized by their short side and cut to a square, as ELEVATER does.
 *
 * Differs: KITTI's pictures, too, where ELEVATER squeezes them into a square.
 */
function openFeatures(
  key: RunKey,
  set: TransferName,
  weights: SubjectWeights,
  { of, folder, signal }: Pick<TransferOptions, "folder" | "signal"> & { readonly of: Subject },
): LazyFeatures {
  const stack = new DisposableStack();
  const pause = interruptible(`the transfer of ${weights.folder.id} to ${set}`, signal);
  let features: Promise<Readonly<Record<"train" | "test", TransferFeatures>>> | undefined;
  const read = async () => {
    const { crops } = recipeAt(key.config, key.scale);
    const counts = transferCounts(set, key.scale);
    const data = await openTransferData(set, { size: crops.globalSize, folder, ...counts });
    using model = await loadSubject(key, of, weights);
    const bank = async (part: "train" | "test") => {
      const options = { ...bankOptions(crops), whole: true };
      const bank = await readFeatureBank(pooledFeatures(model), data[part], options, pause);
      return transferFeatures(stack.use(bank), data.truth[part]);
    };
    return { train: await bank("train"), test: await bank("test") };
  };
  return {
    read: () => features ??= read(),
    run: (steps) => drive(steps, pause),
    [Symbol.dispose]: () => stack.dispose(),
  };
}
