/** Any file of weights, told by its first bytes: people rename files. */
import { npyMagic, parseNpy, parseNpz } from "lib/weights/npz.ts";
import { parseTorchArchive, parseTorchLegacy } from "lib/weights/pytorch_file.ts";
import { parseSafetensors } from "lib/weights/safetensors.ts";
import type { SavedArray } from "lib/weights/saved_array.ts";
import { openWeightsFile, type WeightsFile } from "lib/weights/weights_file.ts";
import { unzip } from "lib/weights/zip.ts";

/**
 * Reads all arrays of a safetensors, PyTorch (`.pth`, `.pt`) or NumPy (`.npz`, `.npy`) file, in its own order of axes.
 *
 * Nested dictionaries give dotted names: `teacher.backbone.norm.weight`. A `.npy`'s one array is under the empty name.
 *
 * @throws {Error} If the file is damaged, unknown, or asks for anything but data; the message names it.
 */
export async function readWeights(path: string): Promise<ReadonlyMap<string, SavedArray>> {
  return await parseWeights(openWeightsFile(path));
}

/** As {@linkcode readWeights}, of a file that is open. */
export async function parseWeights(file: WeightsFile): Promise<ReadonlyMap<string, SavedArray>> {
  const { bytes } = file;
  const startsWith = (start: readonly number[]) => start.every((byte, i) => bytes[i] === byte);
  if (startsWith([0x50, 0x4b, 0x03, 0x04])) {
    const members = await unzip(file);
    const isTorch = [...members.keys()].some((name) => name.endsWith("/data.pkl"));
    return isTorch ? parseTorchArchive(file, members) : parseNpz(file, members);
  }
  if (startsWith(npyMagic)) return new Map([["", parseNpy(file, bytes, "it")]]);
  // Before a pickle: the length of a safetensors header may begin with any byte, a pickle's 0x80 too.
  if (bytes[8] === 0x7b) return parseSafetensors(file).arrays; // "{" of the header
  if (startsWith([0x80])) return parseTorchLegacy(file);
  throw file.refuse("it is none of safetensors, .pth, .npz and .npy");
}
