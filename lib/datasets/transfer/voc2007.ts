/** PASCAL VOC 2007 (Everingham et al. 2010): photographs with several of twenty classes each. */
import { storedInFolder } from "lib/datasets/pictures/picture_index.ts";
import { findSet, readSetLines, requirePictures, type SetFolder, wrongSet } from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

const classNames = [
  ...["aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"],
  ...["diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa"],
  ...["train", "tvmonitor"],
] as const;

/**
 * Reads the lists of the classification task in `ImageSets/Main`, which the organisers made from
 * the annotations in XML and score by: a class is there (1), not there (−1), or there only in
 * objects marked as difficult (0), which is not counted.
 *
 * @throws {Error} If a list or picture is missing, or lists disagree; the message names it.
 */
export async function openVoc2007(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "VOC2007",
    archives: ["VOCtrainval_06-Nov-2007.tar", "VOCtest_06-Nov-2007.tar"],
    markers: ["ImageSets/Main/aeroplane_test.txt"], // VOC2012 has none
  });
  const train = await readPart(set, "train");
  const val = await readPart(set, "val");
  const test = await readPart(set, "test");
  return {
    train: train.pictures,
    val: val.pictures,
    test: test.pictures,
    multiLabels: { train: train.truth, val: val.truth, test: test.truth },
  };
}

async function readPart(set: SetFolder, part: string) {
  const lists: string[][][] = [];
  for (const name of classNames) {
    const path = `ImageSets/Main/${name}_${part}.txt`;
    lists.push(await readSetLines(set, path, /^(\d{6})\s+(-1|0|1)$/));
  }
  const ids = lists[0]!.map(([number]) => `JPEGImages/${number}.jpg`);
  const truth = new Int8Array(ids.length * classNames.length);
  lists.forEach((lines, c) => {
    const same = lines.length === ids.length &&
      lines.every(([number], i) => number === lists[0]![i]![0]);
    if (!same) {
      throw wrongSet(
        set,
        `${classNames[c]}_${part}.txt does not list the pictures of ${classNames[0]}_${part}.txt`,
      );
    }
    lines.forEach(([, value], i) => truth[i * classNames.length + c] = Number(value));
  });
  requirePictures(set, ids);
  const pictures = { ...storedInFolder(`${set.name}, ${part}`, set.root, ids), classNames };
  return { pictures, truth };
}
