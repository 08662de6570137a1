/** The contents of a file of weights. */
import type { SavedArray } from "./saved_array.ts";

export interface WeightsContents {
  /** The arrays, by their dotted names. */
  readonly arrays: ReadonlyMap<string, SavedArray>;
  /** Arrays that are there and cannot be read, and why: `a complex tensor`. */
  readonly unreadable: ReadonlyMap<string, string>;
  /**
   * Classes of objects that were left out, such as a scheduler's settings, and how many of each
   * there are.
   */
  readonly leftOut: ReadonlyMap<string, number>;
}

/** The contents of a file that can hold nothing but arrays. */
export function onlyArrays(
  arrays: ReadonlyMap<string, SavedArray>,
  unreadable: ReadonlyMap<string, string> = new Map(),
): WeightsContents {
  return { arrays, unreadable, leftOut: new Map() };
}
