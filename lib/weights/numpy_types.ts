/** NumPy's types of numbers, and arrays of them from their bytes. */
import {
  elementBytes,
  type ElementType,
  gatherRowMajor,
  rowMajorStrides,
  type SavedArray,
  sizeOf,
  swapBytes,
  toFloat32,
} from "./saved_array.ts";
import type { WeightsFile } from "./weights_file.ts";

/** The types by kind and number of bytes: the `f4` of `<f4`. */
const types: Readonly<Record<string, ElementType>> = {
  f4: "F32",
  f2: "F16",
  f8: "F64",
  i8: "I64",
  i4: "I32",
  i2: "I16",
  i1: "I8",
  u8: "U64",
  u4: "U32",
  u2: "U16",
  u1: "U8",
  b1: "BOOL",
};

/** An array as NumPy describes it. */
export interface NumpyLayout {
  /** Order of the bytes and type of the numbers: `<f4`. */
  readonly descr: string;
  readonly shape: readonly number[];
  /** Whether the first axis is the closest, instead of the last. */
  readonly fortran: boolean;
}

/**
 * The array that `bytes` are.
 *
 * @param what What to call it where it asks for too much memory.
 * @returns Why it cannot be read, if it cannot: a clause that follows its name.
 */
export function readNumpyArray(
  file: WeightsFile,
  bytes: Uint8Array,
  { descr, shape, fortran }: NumpyLayout,
  what: string,
): SavedArray | string {
  const [, order, name] = /^([<>|=]?)(.*)$/s.exec(descr)!;
  const type = Object.hasOwn(types, name!) ? types[name!] : undefined;
  if (type === undefined) {
    return `holds numbers of type ${descr}; only ${Object.keys(types).join(", ")} are read`;
  }
  const [size, width] = [sizeOf(shape), elementBytes[type]];
  if (size === undefined || bytes.length !== size * width) {
    return `of shape [${shape}] does not fit its ${bytes.length} bytes`;
  }
  file.claim(4 * size, what);
  let elements = bytes;
  if (order === ">" && width > 1) {
    file.claim(bytes.length, what);
    elements = swapBytes(elements, width);
  }
  if (fortran) {
    file.claim(bytes.length, what);
    const strides = rowMajorStrides(shape.toReversed()).toReversed();
    elements = gatherRowMajor(elements, width, shape, strides);
  }
  return { shape, values: toFloat32(type, elements) };
}
