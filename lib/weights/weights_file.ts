/** A weights file in memory, with a limit on what reading it may cost. */

/** A file being read. Readers take their bytes, their errors and their memory from it. */
export interface WeightsFile {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The error that says why the file is not read; it names the file. */
  refuse(why: string): Error;
  /**
   * Counts memory. Readers call this before they allocate what the file declares, since a few
   * damaged bytes may declare any size.
   *
   * @throws {Error} If that makes, in all, more than {@linkcode maxGrowth} times the file's own
   *   size.
   */
  claim(bytes: number, what: string): void;
}

/**
 * Largest growth of a plain file of weights: one byte becomes a float32, and may be copied once to
 * bring it into order.
 */
export const maxGrowth = 5;

const isBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/**
 * Reads a file whole.
 *
 * @throws {Error} If it cannot be read; the message names it.
 */
export function openWeightsFile(path: string): WeightsFile {
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    throw new Error(`Cannot read weights from ${path}: ${(error as Error).message}`);
  }
  return weightsFile(path, bytes);
}

/** A file whose bytes are in memory already. */
export function weightsFile(path: string, bytes: Uint8Array<ArrayBuffer>): WeightsFile {
  const refuse = (why: string) => new Error(`Cannot read weights from ${path}: ${why}`);
  if (isBigEndian) throw refuse("this machine is big-endian, the format is not");
  let claimed = 0;
  const claim = (more: number, what: string) => {
    claimed += more;
    if (claimed <= maxGrowth * bytes.length) return;
    throw refuse(
      `with ${what} it unpacks to ${claimed} bytes, over ${maxGrowth} times its own ${bytes.length}`,
    );
  };
  return { path, bytes, refuse, claim };
}
