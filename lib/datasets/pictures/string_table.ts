/**
 * Keeps many short strings in two arrays of shared memory: a million names take 40 MB, and threads
 * need no copy.
 */

/** N strings, one after the other in UTF-8. */
export interface StringTable {
  /** All strings in UTF-8. */
  readonly bytes: Uint8Array;
  /** `[N]`, the end of each string in `bytes`. */
  readonly ends: Uint32Array;
}

/** Packs strings into a table. */
export function packStrings(strings: readonly string[]): StringTable {
  const encoder = new TextEncoder();
  const parts = strings.map((text) => encoder.encode(text));
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  const table = {
    bytes: new Uint8Array(new SharedArrayBuffer(total)),
    ends: new Uint32Array(new SharedArrayBuffer(4 * strings.length)),
  };
  let at = 0;
  parts.forEach((part, i) => {
    table.bytes.set(part, at);
    table.ends[i] = at += part.length;
  });
  return table;
}

/** String `index` of a table. @throws {RangeError} If there is none. */
export function stringAt({ bytes, ends }: StringTable, index: number): string {
  const end = ends[index];
  if (end === undefined) {
    throw new RangeError(`Cannot take string ${index} of a table of ${ends.length}`);
  }
  const start = index === 0 ? 0 : ends[index - 1]!;
  return new TextDecoder().decode(bytes.slice(start, end)); // a copy: decoders refuse shared memory
}
