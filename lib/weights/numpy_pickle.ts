/** NumPy's arrays as they stand in pickles, in the form of each version and protocol. */
import type { TakesState } from "./pickle.ts";
import { isCount } from "./saved_array.ts";

/** A type of numbers. */
export class NumpyType implements TakesState {
  /** Order of the bytes: `<`, `>` or, for single bytes, `|`. */
  order = "|";
  constructor(
    /** `f4` */
    readonly name: string,
  ) {}

  setState(state: unknown): void {
    if (Array.isArray(state) && typeof state[1] === "string") this.order = state[1];
  }
}

/** An array of a pickle; its parts are checked when it is read. */
export class NumpyArray implements TakesState {
  type: unknown = undefined;
  shape: readonly number[] = [];
  /** Whether the first axis is the closest, instead of the last. */
  fortran = false;
  bytes: unknown = undefined;

  /**
   * @param state Version, shape, type, order of axes and bytes, as `ndarray.__reduce__` gives them.
   */
  setState(state: unknown): void {
    if (!Array.isArray(state) || state.length !== 5) return;
    const [, shape, type, fortran, bytes] = state;
    if (isShape(shape)) this.shape = shape;
    this.type = type;
    this.fortran = fortran === true || fortran === 1;
    this.bytes = bytes;
  }
}

function isShape(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}

type Call = (args: readonly unknown[]) => unknown;

/** Makes an array as protocol 5 does: from the bytes, their type, the shape, and `C` or `F`. */
const fromBuffer: Call = ([bytes, type, shape, order]) => {
  const array = new NumpyArray();
  array.setState([1, shape, type, order === "F", bytes]);
  return array;
};

/** Reads bytes as Python 2 and protocol 2 write them: as text in which each character is a byte. */
const encode: Call = ([text, encoding]) =>
  typeof text === "string" && (encoding === "latin1" || encoding === "latin-1")
    ? Uint8Array.from(text, (character) => character.charCodeAt(0))
    : undefined;

/** Protocol 2's empty bytes. */
const noBytes: Call = (args) => args.length === 0 ? new Uint8Array(0) : undefined;

/** NumPy's names in pickles, and what they stand for. */
export const numpyCalls: Readonly<Record<string, Call>> = {
  "_codecs.encode": encode,
  "__builtin__.bytes": noBytes,
  "numpy.dtype": ([name]) => new NumpyType(typeof name === "string" ? name : "?"),
  "numpy.core.multiarray._reconstruct": () => new NumpyArray(),
  "numpy._core.multiarray._reconstruct": () => new NumpyArray(),
  "numpy.core.numeric._frombuffer": fromBuffer,
  "numpy._core.numeric._frombuffer": fromBuffer,
};
