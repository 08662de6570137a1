/**
 * The file of a shipped run, `<id>.run`: plain data and named parts, compressed together, behind
 * one line with their checksum.
 *
 *     bcssl-run 1 <SHA-256 of what follows, hexadecimal>
 *     <Brotli: a line of JSON { header, parts: [[name, bytes], …] }, then the parts>
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

/** What a package holds. */
export interface RunPackage {
  /** Plain data. */
  readonly header: object;
  /** Contents of named parts: `history`, `knn.json`. */
  readonly parts: ReadonlyMap<string, Uint8Array>;
}

interface Index {
  readonly header: object;
  readonly parts: readonly (readonly [name: string, bytes: number])[];
}

const magic = "bcssl-run 1 ";
const digestLength = 64; // hexadecimal digits
const start = magic.length + digestLength + 1; // of the compressed bytes

/** The SHA-256 of some bytes, hexadecimal. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The bytes of a package's file. The same contents give the same bytes. */
export function packRun({ header, parts }: RunPackage): Uint8Array<ArrayBuffer> {
  const index: Index = { header, parts: [...parts].map(([name, { length }]) => [name, length]) };
  const line = new TextEncoder().encode(JSON.stringify(index) + "\n");
  const plain = new Uint8Array(index.parts.reduce((sum, [, length]) => sum + length, line.length));
  plain.set(line);
  let at = line.length;
  for (const part of parts.values()) {
    plain.set(part, at);
    at += part.length;
  }
  const packed = brotliCompressSync(plain, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
    },
  });
  const file = new Uint8Array(start + packed.length);
  file.set(new TextEncoder().encode(`${magic}${sha256(packed)}\n`));
  file.set(packed, start);
  return file;
}

/**
 * Reads a package.
 *
 * @param path The file's path, for the message.
 * @throws {Error} If its checksum does not fit, or it is no such file; the message names it and
 *   says what to do.
 */
export function unpackRun(path: string, bytes: Uint8Array): RunPackage {
  const plain = contentsOf(path, bytes);
  const end = plain.indexOf(0x0a);
  const { header, parts }: Index = JSON.parse(new TextDecoder().decode(plain.subarray(0, end)));
  let at = end + 1;
  const read = parts.map(([name, length]) => [name, plain.subarray(at, at += length)] as const);
  return { header, parts: new Map(read) };
}

/**
 * Whether two files hold the same, even if different versions of the compressor have written them.
 */
export function holdSame(path: string, a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(contentsOf(path, a), contentsOf(path, b)) === 0;
}

function contentsOf(path: string, bytes: Uint8Array): Uint8Array {
  const line = new TextDecoder().decode(bytes.subarray(0, start));
  if (/^bcssl-run \d/.test(line) && !line.startsWith(magic)) {
    throw new Error(`Cannot read ${path}: a later version of the project wrote it; update lib/`);
  }
  const packed = bytes.subarray(start);
  if (line !== `${magic}${sha256(packed)}\n`) throw damaged(path);
  return new Uint8Array(brotliDecompressSync(packed)); // not a Buffer, whose slices are no copies
}

/** The error for a shipped file whose contents are not those that were shipped. */
export function damaged(path: string, why = "its checksum is wrong"): Error {
  return new Error(
    `Cannot read ${path}: ${why}; bring it back by git checkout -- "${path}", train the run with ` +
      "{ fresh: true }, or set BCSSL_SHIPPED=none to use no shipped run",
  );
}
