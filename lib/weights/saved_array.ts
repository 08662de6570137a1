/**
 * Arrays as all readers of weights give them: row-major and float32, whatever type and order the
 * file has.
 */

/** One array of a file. Values are row-major. */
export interface SavedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  /** Whether to write the values as 64-bit integers, as for indices. Readers do not set it. */
  readonly integers?: boolean;
  /** Whether to write the values as float16. Readers do not set it. */
  readonly half?: boolean;
}

/**
 * Rounds an array to float16, which has 11 significant bits: a value moves by at most 1/2048 of
 * itself; below 6e-5 the steps are 6e-8 apart.
 *
 * An array with one axis (a bias, a scale, the statistics of a norm) is left as it is: such arrays
 * take two hundredths of a network's bytes, and a small variance would lose most of its digits. So is
 * an array with a value too large for a float16.
 */
export function toHalf({ shape, values }: SavedArray): SavedArray {
  if (shape.length < 2) return { shape, values };
  const rounded = new Float32Array(new Float16Array(values));
  return rounded.every(Number.isFinite)
    ? { shape, values: rounded, half: true }
    : { shape, values };
}

/** Bytes of one element of each type of number that is read, by its safetensors name. */
export const elementBytes = {
  F32: 4,
  F16: 2,
  BF16: 2,
  F64: 8,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** A type of number that files hold, by its safetensors name. */
export type ElementType = keyof typeof elementBytes;

export const elementTypes = Object.keys(elementBytes) as ElementType[];

/**
 * Converts little-endian elements to float32, rounding to the nearest where it has fewer digits.
 *
 * @param bytes The elements' bytes; they need not be aligned.
 * @returns A copy.
 */
export function toFloat32(type: ElementType, bytes: Uint8Array): Float32Array {
  switch (type) {
    case "F32":
      return new Float32Array(bytes.slice().buffer);
    case "F16":
      return new Float32Array(new Float16Array(bytes.slice().buffer));
    case "BF16": // the upper half of a float32
      return fromUpperHalves(new Uint16Array(bytes.slice().buffer));
    case "F64":
      return new Float32Array(new Float64Array(bytes.slice().buffer));
    case "F8_E4M3":
      return Float32Array.from(bytes, fromE4M3);
    case "F8_E5M2": // the upper half of a float16
      return new Float32Array(
        new Float16Array(Uint16Array.from(bytes, (byte) => byte << 8).buffer),
      );
    case "I64":
      return fromIntegers64(new BigInt64Array(bytes.slice().buffer));
    case "I32":
      return new Float32Array(new Int32Array(bytes.slice().buffer));
    case "I16":
      return new Float32Array(new Int16Array(bytes.slice().buffer));
    case "I8":
      return new Float32Array(new Int8Array(bytes.slice().buffer));
    case "U64":
      return fromIntegers64(new BigUint64Array(bytes.slice().buffer));
    case "U32":
      return new Float32Array(new Uint32Array(bytes.slice().buffer));
    case "U16":
      return new Float32Array(new Uint16Array(bytes.slice().buffer));
    case "U8":
      return new Float32Array(bytes);
    case "BOOL":
      return new Float32Array(bytes.map((byte) => byte === 0 ? 0 : 1));
    default: {
      const unknown: never = type;
      throw new TypeError(`Unknown element type ${unknown}`);
    }
  }
}

function fromUpperHalves(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < bits.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/**
 * PyTorch's `float8_e4m3fn`: a sign, four bits of exponent, three of fraction; no infinity, one NaN
 * of each sign.
 */
function fromE4M3(byte: number): number {
  const [exponent, fraction] = [byte >> 3 & 15, byte & 7];
  if (exponent === 15 && fraction === 7) return NaN;
  const size = exponent === 0 ? fraction * 2 ** -9 : (8 + fraction) * 2 ** (exponent - 10);
  return byte & 0x80 ? -size : size;
}

function fromIntegers64(integers: BigInt64Array | BigUint64Array): Float32Array {
  const values = new Float32Array(integers.length);
  for (let i = 0; i < values.length; i++) values[i] = Number(integers[i]!);
  return values;
}

/**
 * How many elements a shape has.
 *
 * @returns `undefined` unless every side is a non-negative integer and the product one that a
 *   number holds exactly.
 */
export function sizeOf(shape: readonly unknown[]): number | undefined {
  let size = 1;
  for (const side of shape) {
    if (!isCount(side)) return undefined;
    size *= side;
    // This holds even where a later side is 0: no writer makes such a shape.
    if (!Number.isSafeInteger(size)) return undefined;
  }
  return size;
}

/** Whether a value read from a file can be a length or a position. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The steps of a row-major array, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis]!;
  }
  return strides;
}

/**
 * Whether these are the steps of a row-major array. The step of an axis with one entry does not
 * matter.
 */
export function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  const expected = rowMajorStrides(shape);
  return shape.every((side, axis) => side === 1 || strides[axis] === expected[axis]);
}

/**
 * Copies elements that lie apart into a row-major order.
 *
 * @param bytes From the first element on, to the last one's end or further.
 * @param strides Elements to step along each axis.
 */
export function gatherRowMajor(
  bytes: Uint8Array,
  elementSize: number,
  shape: readonly number[],
  strides: readonly number[],
): Uint8Array {
  const size = shape.reduce((product, side) => product * side, 1);
  const gathered = new Uint8Array(size * elementSize);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0; // the element that index points to
  for (let to = 0; to < gathered.length; to += elementSize) {
    for (let i = 0; i < elementSize; i++) gathered[to + i] = bytes[from * elementSize + i]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return gathered;
}

/** The same elements with the bytes of each in the opposite order. */
export function swapBytes(bytes: Uint8Array, elementSize: number): Uint8Array {
  const swapped = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += elementSize) {
    for (let i = 0; i < elementSize; i++) swapped[at + i] = bytes[at + elementSize - 1 - i]!;
  }
  return swapped;
}
