/** The small labelled sets that networks are transferred to: how each is read, sized and scored. */
import { loadCifar10, loadCifar100 } from "lib/datasets/small_sets/cifar.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import { absolutePath } from "lib/paths.ts";
import {
  openCaltech101,
  openCountry211,
  openEuroSat,
  openImagenette,
  openImagewoof,
  openRenderedSst2,
  openResisc45,
  openTinyImageNet,
} from "./folder_sets.ts";
import { openFer2013 } from "./fer2013.ts";
import { openGtsrb } from "./gtsrb.ts";
import { openHatefulMemes } from "./hateful_memes.ts";
import { openKittiDistance } from "./kitti_distance.ts";
import { openCars, openFlowers } from "./mat_sets.ts";
import { openVoc2007 } from "./voc2007.ts";
import { openMnist } from "./mnist.ts";
import { openPcam } from "./pcam.ts";
import { openStl10 } from "./stl10.ts";
import { openAircraft, openCub, openDtd, openFood101, openPets, openSun397 } from "./list_sets.ts";
import type { PartSizes, TransferMetric, TransferParts } from "./transfer_types.ts";

/** A set, and what was published about it. */
export interface TransferSet {
  /** Name of the set in messages: `Food-101`. */
  readonly title: string;
  /** Reads the files as they are downloaded and unpacked. */
  readonly open: (folder: string) => Promise<TransferParts>;
  /** The number of classes. */
  readonly classes: number;
  /** How it is scored. */
  readonly metric: TransferMetric;
  /** Published numbers of pictures. */
  readonly sizes: PartSizes;
  /** What its owners say of its use, in a few words. */
  readonly licence: string;
}

/**
 * The sets by name. Metrics and sizes are ELEVATER's (Li et al. 2022) where it has the set; of the
 * others, the metric is accuracy and the sizes are those that the authors published.
 */
export const transferSets = {
  caltech101: {
    title: "Caltech-101",
    open: openCaltech101,
    classes: 102,
    metric: "meanPerClass",
    sizes: { train: 3060, test: 6084 },
    licence: "CC BY 4.0",
  },
  cars: {
    title: "Stanford Cars",
    open: openCars,
    classes: 196,
    metric: "accuracy",
    sizes: { train: 8144, test: 8041 },
    licence: "non-commercial research",
  },
  cifar10: {
    title: "CIFAR-10",
    open: (folder) => loadCifar10({ folder }),
    classes: 10,
    metric: "accuracy",
    sizes: { train: 50_000, test: 10_000 },
    licence: "none stated",
  },
  cifar100: {
    title: "CIFAR-100",
    open: (folder) => loadCifar100({ folder, labels: "fine" }),
    classes: 100,
    metric: "accuracy",
    sizes: { train: 50_000, test: 10_000 },
    licence: "none stated",
  },
  country211: {
    title: "Country211",
    open: openCountry211,
    classes: 211,
    metric: "accuracy",
    sizes: { train: 31_650, val: 10_550, test: 21_100 },
    licence: "each photograph's own Creative Commons licence",
  },
  cub: {
    title: "CUB-200-2011",
    open: openCub,
    classes: 200,
    metric: "accuracy",
    sizes: { train: 5994, test: 5794 },
    licence: "non-commercial research",
  },
  dtd: {
    title: "DTD",
    open: openDtd,
    classes: 47,
    metric: "accuracy",
    sizes: { train: 1880, val: 1880, test: 1880 },
    licence: "research",
  },
  eurosat: {
    title: "EuroSAT",
    open: openEuroSat,
    classes: 10,
    metric: "accuracy",
    sizes: { train: 5000, val: 5000, test: 5000 },
    licence: "MIT",
  },
  aircraft: {
    title: "FGVC-Aircraft",
    open: openAircraft,
    classes: 100,
    metric: "meanPerClass",
    sizes: { train: 3334, val: 3333, test: 3333 },
    licence: "non-commercial research",
  },
  fer2013: {
    title: "FER2013",
    open: openFer2013,
    classes: 7,
    metric: "accuracy",
    sizes: { train: 28_709, val: 3589, test: 3589 },
    licence: "the terms of its Kaggle challenge",
  },
  flowers102: {
    title: "Flowers-102",
    open: openFlowers,
    classes: 102,
    metric: "meanPerClass",
    sizes: { train: 1020, val: 1020, test: 6149 },
    licence: "none stated",
  },
  food101: {
    title: "Food-101",
    open: openFood101,
    classes: 101,
    metric: "accuracy",
    sizes: { train: 75_750, test: 25_250 },
    licence: "research; the pictures are their owners'",
  },
  gtsrb: {
    title: "GTSRB",
    open: openGtsrb,
    classes: 43,
    metric: "accuracy",
    sizes: { train: 26_640, test: 12_630 },
    licence: "none stated",
  },
  hateful_memes: {
    title: "Hateful Memes",
    open: openHatefulMemes,
    classes: 2,
    metric: "rocAuc",
    sizes: { train: 8500, test: 500 },
    licence: "Meta's own, for research",
  },
  imagenette: {
    title: "Imagenette",
    open: openImagenette,
    classes: 10,
    metric: "accuracy",
    sizes: { train: 9469, test: 3925 },
    licence: "ImageNet's terms",
  },
  imagewoof: {
    title: "Imagewoof",
    open: openImagewoof,
    classes: 10,
    metric: "accuracy",
    sizes: { train: 9025, test: 3929 },
    licence: "ImageNet's terms",
  },
  kitti_distance: {
    title: "KITTI",
    open: openKittiDistance,
    classes: 4,
    metric: "accuracy",
    sizes: { train: 6347, val: 423, test: 711 },
    licence: "CC BY-NC-SA 3.0",
  },
  mnist: {
    title: "MNIST",
    open: openMnist,
    classes: 10,
    metric: "accuracy",
    sizes: { train: 60_000, test: 10_000 },
    licence: "none stated",
  },
  pcam: {
    title: "PatchCamelyon",
    open: (folder) => openPcam(folder),
    classes: 2,
    metric: "accuracy",
    sizes: { train: 262_144, val: 32_768, test: 32_768 },
    licence: "CC0",
  },
  pets: {
    title: "Oxford-IIIT Pet",
    open: openPets,
    classes: 37,
    metric: "meanPerClass",
    sizes: { train: 3680, test: 3669 },
    licence: "CC BY-SA 4.0",
  },
  rendered_sst2: {
    title: "Rendered SST2",
    open: openRenderedSst2,
    classes: 2,
    metric: "accuracy",
    sizes: { train: 6920, val: 872, test: 1821 },
    licence: "none stated",
  },
  resisc45: {
    title: "RESISC45",
    open: openResisc45,
    classes: 45,
    metric: "accuracy",
    sizes: { train: 3150, val: 3150, test: 25_200 },
    licence: "research",
  },
  stl10: {
    title: "STL-10",
    open: openStl10,
    classes: 10,
    metric: "accuracy",
    sizes: { train: 5000, test: 8000 },
    licence: "ImageNet's terms",
  },
  sun397: {
    title: "SUN397",
    open: openSun397,
    classes: 397,
    metric: "accuracy",
    sizes: { train: 19_850, test: 19_850 },
    licence: "research",
  },
  tiny_imagenet: {
    title: "Tiny ImageNet",
    open: openTinyImageNet,
    classes: 200,
    metric: "accuracy",
    sizes: { train: 100_000, test: 10_000 },
    licence: "ImageNet's terms",
  },
  voc2007: {
    title: "VOC2007",
    open: openVoc2007,
    classes: 20,
    metric: "map11",
    sizes: { train: 2501, val: 2510, test: 4952 },
    licence: "the pictures are under Flickr's terms",
  },
} as const satisfies Readonly<Record<string, TransferSet>>;

/** A name in {@linkcode transferSets}. */
export type TransferSetName = keyof typeof transferSets;

/**
 * Opens a set, and checks that it has as many classes and pictures as were published.
 *
 * @param folder Holds what was downloaded, unpacked; `~` is the home folder.
 * @throws {RangeError} If there is no set of that name.
 * @throws {Error} If something is missing, damaged or not as many; the message says what and what
 *   to do.
 */
export async function openTransferSet(name: string, folder: string): Promise<TransferParts> {
  if (!Object.hasOwn(transferSets, name)) {
    const known = Object.keys(transferSets).join(", ");
    throw new RangeError(`Cannot open the set "${name}": there are ${known}`);
  }
  const set: TransferSet = transferSets[name as TransferSetName];
  const parts = await set.open(folder);
  checkParts(set, absolutePath(folder), parts);
  return parts;
}

function checkParts(
  { title, classes, sizes }: TransferSet,
  folder: string,
  parts: TransferParts,
): void {
  const expect = (what: string, actual: number, published: number) => {
    if (actual === published) return;
    throw new Error(
      `Cannot use ${title} in ${folder}: it has ${actual} ${what}, ${published} were published; is all of it unpacked, and is it this set?`,
    );
  };
  expect("classes", parts.train.classNames.length, classes);
  for (const part of ["train", "val", "test"] as const) {
    const source = parts[part];
    if (source) expect(`pictures for ${part}`, imageCount(source), sizes[part]!);
  }
}
