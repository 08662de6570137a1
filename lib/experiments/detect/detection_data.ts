/** Training and validation sets of a detector, from a data config and a scale. */
import { join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import type { CocoSet } from "lib/datasets/coco/coco_set.ts";
import { loadCoco } from "lib/datasets/coco/load_coco.ts";
import { openScenes } from "lib/datasets/coco/scenes.ts";
import { evenIndices } from "lib/datasets/pictures/spread.ts";
import { dataFolder } from "lib/datasets/files/data_folder.ts";
import type { DetectionDataConfig, DetectorScale } from "lib/experiments/detect/detector_config.ts";

/** The two sets of pictures of a detector's training. */
export interface DetectionData {
  /** Pictures that the detector is trained on. */
  readonly train: CocoSet;
  /** Pictures that it is measured on. */
  readonly val: CocoSet;
}

/**
 * Opens the sets of a scale. Images and objects with a fault are reported and left out, unless the
 * config says that a fault stops the run.
 *
 * @param log Receives a line for each fault: file, id, and what is wrong.
 * @throws {Error} As `loadCoco`. If train and val differ in their categories, or val has no object.
 */
export async function openDetectionData(
  data: DetectionDataConfig,
  { imageSize, trainCount, valCount }: DetectorScale,
  log: (line: string) => void,
): Promise<DetectionData> {
  switch (data.kind) {
    case "scenes": {
      const width = Math.round(imageSize * 5 / 4);
      return await openScenes({ width, height: imageSize, train: trainCount, val: valCount });
    }
    case "coco": {
      const train = await openSplit(data, data.train ?? "train2017", log);
      const val = await openSplit(data, data.val ?? "val2017", log);
      requireSameCategories(train, val);
      requireObjects(val);
      return { train: thinned(train, trainCount), val: thinned(val, valCount) };
    }
    default: {
      const unknown: never = data;
      throw new RangeError(
        `Unknown data ${JSON.stringify(unknown)}: use kind "scenes" or "coco"`,
      );
    }
  }
}

async function openSplit(
  { folder: given = dataFolder("coco"), onFault }: DetectionDataConfig & { readonly kind: "coco" },
  split: string,
  log: (line: string) => void,
): Promise<CocoSet> {
  const folder = absolutePath(given);
  const file = join(folder, "annotations", `instances_${split}.json`);
  return (await loadCoco(file, { folder: join(folder, split), onFault, log })).set;
}

function requireSameCategories(train: CocoSet, val: CocoSet): void {
  const said = (set: CocoSet) => JSON.stringify(set.categories.map(({ id, name }) => [id, name]));
  if (said(train) === said(val)) return;
  throw new Error(
    `Cannot measure on "${val.name}" what is trained on "${train.name}": their categories differ`,
  );
}

function requireObjects({ name, annotations }: CocoSet): void {
  if ([...annotations.values()].flat().some(({ crowd }) => !crowd)) return;
  throw new Error(`Cannot measure on "${name}": it has no object`);
}

/** At most `count` images, evenly spread over the set. */
function thinned(set: CocoSet, count: number): CocoSet {
  const { images } = set;
  if (count >= images.length) return set;
  return { ...set, images: evenIndices(images.length, count).map((index) => images[index]!) };
}
