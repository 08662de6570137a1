/** Any file of weights. Its kind is known by its first bytes, since people rename files. */
import { npyMagic, parseNpy, parseNpz } from "./npz.ts";
import { parseTorchArchive, parseTorchLegacy } from "./pytorch_file.ts";
import { parseSafetensors } from "./safetensors.ts";
import { onlyArrays, type WeightsContents } from "./weights_contents.ts";
import { indexOf, readShards } from "./shards.ts";
import { openWeightsFile, type WeightsFile } from "./weights_file.ts";
import { unzip } from "./zip.ts";

/**
 * Reads all arrays of a safetensors, PyTorch (`.pth`, `.pt`, `.bin`, `.ckpt`) or NumPy (`.npz`,
 * `.npy`) file, in its own order of axes; or of several such files, by their `.index.json` or their
 * folder.
 *
 * Nested dictionaries give dotted names: `teacher.backbone.norm.weight`. A `.npy`'s one array is
 * under the empty name.
 *
 * @throws {Error} If a file is damaged or of no known kind; the message names it.
 */
export async function readWeights(path: string): Promise<WeightsContents> {
  const index = indexOf(path);
  return index === undefined ? await readOne(path) : await readShards(index, readOne);
}

async function readOne(path: string): Promise<WeightsContents> {
  return await parseWeights(openWeightsFile(path));
}

/** Reads a file that is in memory; otherwise like {@linkcode readWeights}. */
export async function parseWeights(file: WeightsFile): Promise<WeightsContents> {
  const { bytes } = file;
  const startsWith = (start: readonly number[]) => start.every((byte, i) => bytes[i] === byte);
  if (startsWith([0x50, 0x4b, 0x03, 0x04])) {
    const members = await unzip(file);
    const isTorch = [...members.keys()].some((name) => name.endsWith("/data.pkl"));
    return isTorch ? parseTorchArchive(file, members) : parseNpz(file, members);
  }
  if (startsWith(npyMagic)) return onlyArrays(new Map([["", parseNpy(file, bytes, "it")]]));
  // This comes before pickles: a safetensors file may begin with any byte, even a pickle's 0x80.
  if (bytes[8] === 0x7b) { // "{" of the header
    const { arrays, unreadable } = parseSafetensors(file);
    return onlyArrays(arrays, unreadable);
  }
  if (startsWith([0x80])) return parseTorchLegacy(file);
  throw file.refuse("it is none of safetensors, .pth, .npz and .npy");
}
