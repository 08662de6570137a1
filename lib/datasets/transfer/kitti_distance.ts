/**
 * KITTI (Geiger, Lenz and Urtasun 2012) by the distance to the closest vehicle, in four classes: a
 * task of VTAB (Zhai et al. 2019).
 */
import { mapInOrder } from "lib/datasets/files/map_in_order.ts";
import { numpyChoice } from "./numpy_choice.ts";
import {
  findSet,
  type Listed,
  readSetLines,
  type SetFolder,
  storedPart,
  wrongSet,
} from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

const classNames = ["up to 8 m", "8 to 20 m", "beyond 20 m", "no vehicle"] as const;
const vehicles = ["Car", "Van", "Truck"];

/**
 * Reads the training pictures, whose labels are public, in TensorFlow Datasets' parts: a tenth of
 * the videos for the test, and a tenth for validation (`kitti_dataset_builder.py`).
 *
 * @throws {Error} If something is missing or damaged; the message names it.
 */
export async function openKittiDistance(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "KITTI",
    archives: ["data_object_image_2.zip", "data_object_label_2.zip", "devkit_object.zip"],
    markers: ["training/label_2"],
  });
  const videos = await readVideos(set);
  const listed = await mapInOrder([...videos.entries()], 16, async ([number, video]) => {
    const name = String(number).padStart(6, "0");
    const label = await readDistance(set, `training/label_2/${name}.txt`);
    return { video, picture: { id: `training/image_2/${name}.png`, label } };
  });
  const partOf = drawVideos(videos);
  const part = (name: "train" | "val" | "test") => {
    const pictures = listed.filter(({ video }) => partOf(video) === name)
      .map(({ picture }): Listed => picture);
    return storedPart(set, name, classNames, pictures);
  };
  return { train: part("train"), val: part("val"), test: part("test") };
}

/** The part of each video; the same ones as TensorFlow Datasets draws. */
export function drawVideos(
  videos: readonly string[],
): (video: string) => "train" | "val" | "test" {
  const names = [...new Set(videos)].sort();
  const tenth = Math.max(1, Math.floor(names.length / 10));
  const choose = numpyChoice(123);
  const test = new Set(choose(names, tenth));
  const val = new Set(choose(names.filter((name) => !test.has(name)), tenth));
  return (video) => test.has(video) ? "test" : val.has(video) ? "val" : "train";
}

/** The video that each training picture is from, by the devkit. */
async function readVideos(set: SetFolder): Promise<string[]> {
  const frames = await readSetLines(set, "mapping/train_mapping.txt", /^\S+ (\S+) \d+$/);
  const order = await readSetLines(set, "mapping/train_rand.txt", /^([\d,\s]+)$/);
  return order.flatMap(([line]) => line!.match(/\d+/g) ?? []).map((number) => {
    const frame = frames[Number(number) - 1];
    if (frame) return frame[0]!;
    throw wrongSet(
      set,
      `mapping/train_rand.txt has frame ${number}, train_mapping.txt has ${frames.length}`,
    );
  });
}

/** The class of a picture: how far, along the camera's axis, the closest vehicle is. */
async function readDistance(set: SetFolder, path: string): Promise<number> {
  // Type, 12 numbers, the position z in metres, and an angle.
  const objects = await readSetLines(set, path, /^(\S+)(?: \S+){12} (-?[\d.]+) \S+$/);
  const distances = objects.filter(([type]) => vehicles.includes(type!)).map(([, z]) => Number(z));
  if (distances.length === 0) return 3;
  const closest = Math.min(...distances);
  return closest > 20 ? 2 : closest > 8 ? 1 : 0;
}
