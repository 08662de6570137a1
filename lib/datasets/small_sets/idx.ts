/**
 * The IDX format of MNIST and its successors: a magic number, big-endian sizes, then unsigned
 * bytes.
 */

/** An array of unsigned bytes with its shape: `[N, H, W]` for images, `[N]` for labels. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

/**
 * Reads an IDX file of unsigned bytes; `data` shares the memory of `bytes`.
 *
 * @param name The file's name, for messages.
 * @throws {TypeError} If it is not IDX, does not hold unsigned bytes, or is shorter or longer than
 *   its header says.
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length >= 4 ? view.getUint32(0) : -1;
  const rank = magic & 0xff;
  const start = 4 + 4 * rank;
  if (magic >>> 8 !== 0x08 || rank === 0 || bytes.length < start) {
    const current = bytes.length >= 4
      ? `0x${magic.toString(16).padStart(8, "0")}`
      : `${bytes.length} bytes`;
    throw new TypeError(
      `Cannot read ${name}: need an IDX file of unsigned bytes (magic 0x000008..), current start is ${current}`,
    );
  }
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const expected = start + shape.reduce((product, size) => product * size, 1);
  if (bytes.length !== expected) {
    throw new TypeError(
      `Cannot read ${name}: its header [${shape}] needs ${expected} bytes, current length is ${bytes.length}`,
    );
  }
  return { shape, data: bytes.subarray(start) };
}
