/** Reads NumPy's `.npy`, one array, and `.npz`, a ZIP archive of `.npy` files. */
import { readNumpyArray } from "./numpy_types.ts";
import type { SavedArray } from "./saved_array.ts";
import { onlyArrays, type WeightsContents } from "./weights_contents.ts";
import type { WeightsFile } from "./weights_file.ts";

/** First bytes of every `.npy` file. */
export const npyMagic = [0x93, ...new TextEncoder().encode("NUMPY")];

const maxHeaderLength = 10_000; // NumPy's own limit
const header =
  /^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(((?:\d+, ?)*\d*)\), ?\} *\n?$/;

/**
 * Reads an unpacked archive.
 *
 * @param members Its files by their paths.
 * @returns The arrays under their names, without `.npy`.
 * @throws {Error} If one of them is damaged, or is not a `.npy` file.
 */
export function parseNpz(
  file: WeightsFile,
  members: ReadonlyMap<string, Uint8Array>,
): WeightsContents {
  const arrays = new Map<string, SavedArray>();
  const unreadable = new Map<string, string>();
  for (const [path, bytes] of members) {
    if (!path.endsWith(".npy")) throw file.refuse(`${path} in it is no .npy`);
    const name = path.slice(0, -".npy".length);
    const array = parseArray(file, bytes, path);
    if (typeof array === "string") unreadable.set(name, `${path} ${array}`);
    else arrays.set(name, array);
  }
  return onlyArrays(arrays, unreadable);
}

/**
 * Reads one array.
 *
 * @param what Name of the array in error messages.
 * @throws {Error} If it is damaged, or of a type that is not read; the message names it.
 */
export function parseNpy(file: WeightsFile, bytes: Uint8Array, what: string): SavedArray {
  const array = parseArray(file, bytes, what);
  if (typeof array === "string") throw file.refuse(`${what} ${array}`);
  return array;
}

/** One array, or why its numbers cannot be read. */
function parseArray(file: WeightsFile, bytes: Uint8Array, what: string): SavedArray | string {
  const refuse = (why: string) => file.refuse(`${what} ${why}`);
  const { text, start } = readHeader(bytes, refuse);
  const match = header.exec(text);
  if (!match) throw refuse(`has the header ${JSON.stringify(text.slice(0, 80).trim())}`);
  const [, descr, order, sides] = match;
  const shape = (sides!.match(/\d+/g) ?? []).map(Number);
  const layout = { descr: descr!, shape, fortran: order === "True" };
  const array = readNumpyArray(file, bytes.subarray(start), layout, what);
  if (typeof array === "string" && array.startsWith("of shape")) throw refuse(array);
  return array;
}

/** The header's text, and where the numbers start. */
function readHeader(
  bytes: Uint8Array,
  refuse: (why: string) => Error,
): { readonly text: string; readonly start: number } {
  if (bytes.length < 12 || npyMagic.some((byte, i) => bytes[i] !== byte)) {
    throw refuse("is not a NumPy array");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = bytes[6]!;
  if (version < 1 || version > 3) throw refuse(`is of version ${version}, only 1 to 3 are read`);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const from = version === 1 ? 10 : 12;
  if (length > maxHeaderLength || from + length > bytes.length) throw refuse("has no whole header");
  const text = new TextDecoder().decode(bytes.subarray(from, from + length));
  return { text, start: from + length };
}
