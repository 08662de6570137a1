/** NumPy's `.npy`, one array, and `.npz`, a ZIP archive of them. */
import {
  elementBytes,
  type ElementType,
  gatherRowMajor,
  rowMajorStrides,
  type SavedArray,
  sizeOf,
  toFloat32,
} from "lib/weights/saved_array.ts";
import type { WeightsFile } from "lib/weights/weights_file.ts";

/** NumPy's names of the types that are read. */
const typesByName: Readonly<Record<string, ElementType>> = {
  "<f4": "F32",
  "<f2": "F16",
  "<f8": "F64",
  "<i8": "I64",
  "<i4": "I32",
  "|u1": "U8",
  "|b1": "BOOL",
};

/** What every `.npy` begins with. */
export const npyMagic = [0x93, ...new TextEncoder().encode("NUMPY")];

const maxHeaderLength = 10_000; // NumPy's own limit
const header =
  /^\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(((?:\d+, ?)*\d*)\), ?\} *\n?$/;

/**
 * Reads an unpacked archive.
 *
 * @param members Its files by their paths.
 * @returns The arrays under their names, without `.npy`.
 * @throws {Error} If one of them is not an array of numbers that are read.
 */
export function parseNpz(
  file: WeightsFile,
  members: ReadonlyMap<string, Uint8Array>,
): Map<string, SavedArray> {
  const arrays = new Map<string, SavedArray>();
  for (const [path, bytes] of members) {
    if (!path.endsWith(".npy")) throw file.refuse(`${path} in it is no .npy`);
    arrays.set(path.slice(0, -".npy".length), parseNpy(file, bytes, path));
  }
  return arrays;
}

/**
 * Reads one array.
 *
 * @param what What to call it in errors.
 * @throws {Error} If it is damaged, or of a type that is not read; the message names it.
 */
export function parseNpy(file: WeightsFile, bytes: Uint8Array, what: string): SavedArray {
  const refuse = (why: string) => file.refuse(`${what} ${why}`);
  const { text, start } = readHeader(bytes, refuse);
  const match = header.exec(text);
  if (!match) throw refuse(`has the header ${JSON.stringify(text.slice(0, 80).trim())}`);
  const [, descr, fortran, sides] = match;
  const type = Object.hasOwn(typesByName, descr!) ? typesByName[descr!] : undefined;
  if (type === undefined) {
    throw refuse(
      `holds numbers of type ${descr}; only ${Object.keys(typesByName).join(", ")} are read`,
    );
  }
  const shape = (sides!.match(/\d+/g) ?? []).map(Number);
  const size = sizeOf(shape);
  const width = elementBytes[type];
  if (size === undefined || bytes.length - start !== size * width) {
    throw refuse(`of shape [${shape}] does not fit its ${bytes.length - start} bytes`);
  }
  file.claim(4 * size, what);
  let elements = bytes.subarray(start);
  if (fortran === "True") {
    file.claim(size * width, what);
    const strides = rowMajorStrides(shape.toReversed()).toReversed(); // the first axis is the closest
    elements = gatherRowMajor(elements, width, shape, strides);
  }
  return { shape, values: toFloat32(type, elements) };
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
