/** Readers of the sets whose parts and classes are in MATLAB's files. */
import { join } from "@std/path";
import { exists } from "lib/datasets/files/data_folder.ts";
import { type MatRecord, parseMat } from "lib/datasets/files/mat.ts";
import {
  findSet,
  type Listed,
  readSetFile,
  type SetFolder,
  storedPart,
  wrongSet,
} from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

/** Flowers (Nilsback and Zisserman 2008). Its files call the classes by their numbers, from 1. */
export async function openFlowers(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "Flowers-102",
    archives: ["102flowers.tgz", "imagelabels.mat", "setid.mat"],
    markers: ["setid.mat"],
  });
  const labels = numbersIn(set, await readMat(set, "imagelabels.mat"), "labels");
  const parts = await readMat(set, "setid.mat");
  const classNames = Array.from({ length: 102 }, (_, i) => String(i + 1));
  const part = (name: string, variable: string) => {
    const listed = numbersIn(set, parts, variable).map((number): Listed => {
      const label = labels[number - 1];
      if (label === undefined) {
        throw wrongSet(set, `setid.mat has picture ${number}, imagelabels.mat ${labels.length}`);
      }
      return { id: `jpg/image_${String(number).padStart(5, "0")}.jpg`, label: label - 1 };
    });
    return storedPart(set, name, classNames, listed);
  };
  return { train: part("train", "trnid"), val: part("val", "valid"), test: part("test", "tstid") };
}

/** Makes of cars (Krause et al. 2013). */
export async function openCars(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "Stanford Cars",
    archives: [
      ...["cars_train.tgz", "cars_test.tgz", "car_devkit.tgz"],
      "cars_test_annos_withlabels.mat",
    ],
    markers: ["devkit/cars_meta.mat"],
  });
  const { class_names: classNames } = await readMat(set, "devkit/cars_meta.mat");
  if (!isTexts(classNames)) {
    throw wrongSet(set, "devkit/cars_meta.mat has no class_names");
  }
  const part = async (name: "train" | "test", list: string) =>
    storedPart(set, name, classNames, await annotated(set, list, `cars_${name}`));
  const inKit = "devkit/cars_test_annos_withlabels.mat";
  const test = await exists(join(set.root, inKit)) ? inKit : "cars_test_annos_withlabels.mat";
  return {
    train: await part("train", "devkit/cars_train_annos.mat"),
    test: await part("test", test),
  };
}

/** @param pictures The folder of the pictures that the list names. */
async function annotated(set: SetFolder, list: string, pictures: string): Promise<Listed[]> {
  const { annotations } = await readMat(set, list);
  if (!Array.isArray(annotations)) throw wrongSet(set, `${list} has no annotations`);
  return (annotations as readonly MatRecord[]).map(({ class: label, fname }, i) => {
    if (typeof fname === "string" && isNumbers(label)) {
      return { id: `${pictures}/${fname}`, label: label[0]! - 1 };
    }
    throw wrongSet(set, `annotation ${i + 1} of ${list} has no class or no file's name`);
  });
}

async function readMat(set: SetFolder, path: string): Promise<MatRecord> {
  const bytes = await readSetFile(set, path);
  try {
    return parseMat(bytes, path);
  } catch (error) {
    throw wrongSet(set, `${path} is damaged (${(error as Error).message})`);
  }
}

function numbersIn(set: SetFolder, variables: MatRecord, name: string): readonly number[] {
  const value = variables[name];
  if (isNumbers(value)) return value;
  throw wrongSet(set, `there are no numbers called ${name} in its MAT-files`);
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && typeof value[0] === "number";
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
