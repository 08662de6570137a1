/** Opens a transfer set by name: a published one from its files, or one of the laptop suite. */
import {
  imageCount,
  type ImageSource,
  type LaptopSet,
  type LaptopSetName,
  laptopSets,
  openTransferSet,
  type TransferMetric,
  type TransferParts,
  type TransferSet,
  type TransferSetName,
  transferSets,
} from "lib/datasets/mod.ts";
import { createRng, type Rng } from "lib/rng.ts";
import { dataFolder } from "lib/datasets/files/data_folder.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import { selectImages } from "lib/datasets/pictures/stored_images.ts";
import { selectTruth, type TransferTruth } from "lib/eval/transfer/transfer_features.ts";
import type { ScaleName } from "lib/experiments/configs/config.ts";

/** Name of a set that networks are transferred to. */
export type TransferName = TransferSetName | LaptopSetName;

/** Lists of sets: those made here, and ELEVATER's twenty. */
export const transferSuites = {
  laptop: Object.keys(laptopSets) as LaptopSetName[],
  elevater: [
    ...["caltech101", "cifar10", "cifar100", "country211", "dtd", "eurosat", "fer2013"] as const,
    ...["aircraft", "food101", "gtsrb", "hateful_memes", "kitti_distance", "mnist"] as const,
    ...["flowers102", "pets", "pcam", "rendered_sst2", "resisc45", "cars", "voc2007"] as const,
  ],
} as const satisfies Readonly<Record<string, readonly TransferName[]>>;

/** What is known of a set without its images. */
export type TransferFacts = Pick<TransferSet, "title" | "classes" | "metric">;

/**
 * The facts of a set by its name.
 *
 * @throws {RangeError} If there is no set of that name.
 */
export function transferFacts(name: string): TransferFacts {
  return isLaptop(name) ? laptopSets[name] : published(name);
}

function isLaptop(name: string): name is LaptopSetName {
  return Object.hasOwn(laptopSets, name);
}

function published(name: string): TransferSet {
  if (Object.hasOwn(transferSets, name)) return transferSets[name as TransferSetName];
  const known = [...Object.keys(laptopSets), ...Object.keys(transferSets)].join(", ");
  throw new RangeError(`Cannot transfer to "${name}": the sets are ${known}`);
}

/** How many images of a set are used at most. */
export interface TransferCounts {
  readonly trainCount: number;
  readonly testCount: number;
}

/** At `smoke` some images of every set; otherwise all of a published set. */
export function transferCounts(name: string, scale: ScaleName): TransferCounts {
  if (scale === "smoke") return { trainCount: 64, testCount: 32 };
  if (isLaptop(name)) return { trainCount: 2000, testCount: 1000 };
  return { trainCount: Infinity, testCount: Infinity };
}

/** The stream that draws a few images of each class: the same ones for every network. */
export function drawStream(draw: number): Rng {
  return createRng(draw).fork("few shot");
}

/** What is kept of one score. */
export interface TransferScoreEntry {
  readonly score: number;
  /** Number of training images. */
  readonly images: number;
  /** The setting that a probe's search found. */
  readonly lr?: number;
  readonly weightDecay?: number;
}

/** The images of a set and what is true of them. */
export interface TransferData {
  readonly metric: TransferMetric;
  readonly train: ImageSource;
  readonly test: ImageSource;
  readonly truth: Readonly<Record<"train" | "test", TransferTruth>>;
}

/**
 * Opens a set. Its own validation images, if there are any, are not used, as in ELEVATER.
 *
 * @param options.size Pixels a side of images that are made; others keep their size.
 * @param options.folder Where a published set lies, unpacked; by default `data/<name>`.
 * @throws {RangeError} If there is no set of that name, or a folder is given for one that is made.
 * @throws {Error} If a file is missing or damaged; the message says what to do.
 */
export async function openTransferData(
  name: string,
  { size, folder, trainCount, testCount }: TransferCounts & {
    readonly size: number;
    readonly folder?: string;
  },
): Promise<TransferData> {
  const { metric, classes } = transferFacts(name);
  if (!isLaptop(name)) {
    const parts = await openTransferSet(name, folder ?? dataFolder(name));
    return { metric, ...limited(parts, classes, { trainCount, testCount }) };
  }
  if (folder !== undefined) {
    throw new RangeError(`Cannot read "${name}" from a folder: it is made here; leave folder out`);
  }
  const key = JSON.stringify([name, size, trainCount, testCount]);
  if (lastMade?.key !== key) {
    const set: LaptopSet = laptopSets[name];
    lastMade = { key, parts: await set.open({ size, trainCount, testCount }) };
  }
  return { metric, ...limited(lastMade.parts, classes, { trainCount, testCount }) };
}

/**
 * The set that was made last. Making its images takes seconds, and networks are transferred to the
 * same set one after the other.
 */
let lastMade: { readonly key: string; readonly parts: TransferParts } | undefined;

/** At most so many images of each part, evenly spread, with their truth. */
function limited(
  { train, test, multiLabels }: TransferParts,
  numClasses: number,
  { trainCount, testCount }: TransferCounts,
): Omit<TransferData, "metric"> {
  const part = (source: ImageSource, several: Int8Array | undefined, count: number) => {
    const truth = { numClasses, labels: source.labels, ...(several && { several }) };
    if (count >= imageCount(source)) return { source, truth };
    const indices = evenIndices(imageCount(source), count);
    return { source: selectImages(source, indices), truth: selectTruth(truth, indices) };
  };
  const [ours, theirs] = [
    part(train, multiLabels?.train, trainCount),
    part(test, multiLabels?.test, testCount),
  ];
  return {
    ...{ train: ours.source, test: theirs.source },
    truth: { train: ours.truth, test: theirs.truth },
  };
}
