/** Readers of the sets that are published as a folder for each class. */
import { openImageNet } from "lib/datasets/imagenet/imagenet.ts";
import { type Download, findSet, storedPart, wrongSet } from "./set_folder.ts";
import { drawParts, listClassFolders } from "./class_folders.ts";
import type { TransferParts } from "./transfer_types.ts";

/** A set that has a folder for each part, and in it one for each class. */
interface PartFolders extends Download {
  /** The folder of each part. */
  readonly parts: Readonly<Record<"train" | "test", string>> & { readonly val?: string };
}

async function openPartFolders(folder: string, layout: PartFolders): Promise<TransferParts> {
  const set = await findSet(folder, layout);
  const { train, val, test } = layout.parts;
  const { classNames, pictures } = listClassFolders(set, train);
  const part = (name: string, path: string) => {
    const listed = listClassFolders(set, path);
    if (listed.classNames.join("/") !== classNames.join("/")) {
      throw wrongSet(set, `the folders of classes in ${path} are not those in ${train}`);
    }
    return storedPart(set, name, classNames, listed.pictures);
  };
  return {
    train: storedPart(set, "train", classNames, pictures),
    ...(val !== undefined && { val: part("val", val) }),
    test: part("test", test),
  };
}

/** Ten classes of ImageNet that are easy to tell apart (Howard 2019); its `val` is the test. */
export function openImagenette(folder: string): Promise<TransferParts> {
  return openPartFolders(folder, {
    name: "Imagenette",
    archives: ["imagenette2.tgz"],
    markers: ["train/n01440764"], // a tench, which Imagewoof has not
    parts: { train: "train", test: "val" },
  });
}

/** Ten breeds of dogs of ImageNet (Howard 2019); its `val` is the test. */
export function openImagewoof(folder: string): Promise<TransferParts> {
  return openPartFolders(folder, {
    name: "Imagewoof",
    archives: ["imagewoof2.tgz"],
    markers: ["train/n02086240"], // a Shih-Tzu, which Imagenette has not
    parts: { train: "train", test: "val" },
  });
}

/** Photographs by the country that they were taken in (Radford et al. 2021). */
export function openCountry211(folder: string): Promise<TransferParts> {
  return openPartFolders(folder, {
    name: "Country211",
    archives: ["country211.tgz"],
    markers: ["train/AD"],
    parts: { train: "train", val: "valid", test: "test" },
  });
}

/** Sentences of film reviews as pictures, negative or positive (Radford et al. 2021). */
export function openRenderedSst2(folder: string): Promise<TransferParts> {
  return openPartFolders(folder, {
    name: "Rendered SST2",
    archives: ["rendered-sst2.tgz"],
    markers: ["train/negative"],
    parts: { train: "train", val: "valid", test: "test" },
  });
}

/**
 * Land seen by a satellite (Helber et al. 2019), published without parts.
 *
 * Differs: which 500 pictures of each class are for training, validation and test is drawn here;
 * ELEVATER's parts have the same sizes and other pictures.
 */
export async function openEuroSat(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "EuroSAT",
    archives: ["EuroSAT.zip"],
    markers: ["AnnualCrop"],
  });
  const listed = listClassFolders(set, "");
  const [train, val, test] = drawParts(set, listed, [500, 500, 500]);
  return {
    train: storedPart(set, "train", listed.classNames, train!),
    val: storedPart(set, "val", listed.classNames, val!),
    test: storedPart(set, "test", listed.classNames, test!),
  };
}

/**
 * Aerial photographs (Cheng, Han and Lu 2017), published without parts.
 *
 * Differs: which 70 pictures of each class are for training and which for validation is drawn here;
 * ELEVATER's parts have the same sizes and other pictures.
 */
export async function openResisc45(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "RESISC45",
    archives: ["NWPU-RESISC45.zip"],
    markers: ["thermal_power_station"],
  });
  const listed = listClassFolders(set, "");
  const [train, val, test] = drawParts(set, listed, [70, 70, Infinity]);
  return {
    train: storedPart(set, "train", listed.classNames, train!),
    val: storedPart(set, "val", listed.classNames, val!),
    test: storedPart(set, "test", listed.classNames, test!),
  };
}

/**
 * Objects of 101 categories, and a background class (Fei-Fei, Fergus and Perona 2004), published
 * without parts: 30 pictures of each class are for training, all others for the test.
 *
 * Differs: which 30 is drawn here; ELEVATER's parts have the same sizes and other pictures.
 */
export async function openCaltech101(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "Caltech-101",
    archives: ["101_ObjectCategories.tar.gz"],
    markers: ["BACKGROUND_Google"],
  });
  const listed = listClassFolders(set, "");
  const [train, test] = drawParts(set, listed, [30, Infinity]);
  return {
    train: storedPart(set, "train", listed.classNames, train!),
    test: storedPart(set, "test", listed.classNames, test!),
  };
}

/**
 * 200 classes of ImageNet at 64 pixels (Le and Yang 2015); its `val` is the test, as the test that
 * was published has no labels.
 */
export async function openTinyImageNet(folder: string): Promise<TransferParts> {
  const { root } = await findSet(folder, {
    name: "Tiny ImageNet",
    archives: ["tiny-imagenet-200.zip"],
    markers: ["wnids.txt"],
  });
  const { train, val } = await openImageNet(root, { numClasses: 200, log: () => {} });
  return {
    train: { ...train, name: "Tiny ImageNet, train" },
    test: { ...val, name: "Tiny ImageNet, test" },
  };
}
