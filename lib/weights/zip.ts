/**
 * Reads ZIP archives of stored and deflated files, as PyTorch and NumPy write them. The library
 * yauzl reads the directory; each file is checked by its length and CRC-32 here.
 */
import { Buffer } from "node:buffer";
import { crc32, inflateRawSync } from "node:zlib";
import yauzl, { type Entry } from "yauzl";
import type { WeightsFile } from "./weights_file.ts";

const stored = 0;
const endRecords = ["PK\x05\x06", "PK\x06\x06"]; // what follows the directory

/**
 * Unpacks an archive.
 *
 * @returns The files' bytes under their paths; those that are stored are views into `file.bytes`.
 * @throws {Error} If the archive is damaged, encrypted, or unpacks to more than the file may claim.
 */
export async function unzip(file: WeightsFile): Promise<Map<string, Uint8Array>> {
  const unpacked = new Map<string, Uint8Array>();
  let end = 0;
  for (const { entry, start } of await readDirectory(file)) {
    const name = entry.fileName;
    if (unpacked.has(name)) throw file.refuse(`it holds ${name} twice`);
    // Where files may overlap, a small archive unpacks to any size.
    if (start < end) throw file.refuse("the files in it overlap");
    end = start + entry.compressedSize;
    unpacked.set(name, unpack(file, entry, file.bytes.subarray(start, end)));
  }
  return unpacked;
}

interface Place {
  readonly entry: Entry;
  /** Position of the entry's first byte. */
  readonly start: number;
}

/** All entries, in the order in which their bytes lie. */
async function readDirectory({ bytes, refuse }: WeightsFile): Promise<Place[]> {
  const places: Place[] = [];
  try {
    const zip = await yauzl.fromBufferPromise(Buffer.from(bytes.buffer, 0, bytes.length));
    for await (const entry of zip.eachEntry()) {
      const { fileName, fileDataStart } = await zip.readLocalFileHeaderPromise(entry);
      if (!fileName.equals(entry.fileNameRaw)) throw new Error("it has two names for one file");
      places.push({ entry, start: fileDataStart });
    }
    if (!endRecords.includes(signatureAt(bytes, Number(zip.readEntryCursor)))) {
      throw new Error("its directory holds more files than it says");
    }
  } catch (error) {
    throw refuse(`as a ZIP archive it is damaged (${(error as Error).message})`);
  }
  return places.sort((a, b) => a.start - b.start);
}

function signatureAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function unpack(file: WeightsFile, entry: Entry, packed: Uint8Array): Uint8Array {
  const { fileName: name, uncompressedSize: size } = entry;
  if (!entry.canDecodeFileData()) {
    throw file.refuse(
      `${name} in it is encrypted, or compressed by method ${entry.compressionMethod}`,
    );
  }
  let bytes = packed;
  if (entry.compressionMethod !== stored) {
    file.claim(size, name);
    try {
      const { buffer, byteOffset, length } = inflateRawSync(packed, {
        maxOutputLength: Math.max(size, 1),
      });
      bytes = new Uint8Array(buffer, byteOffset, length); // a Buffer's slice() would not copy
    } catch {
      throw file.refuse(`${name} in it cannot be unpacked to ${size} bytes`);
    }
  }
  if (bytes.length !== size || crc32(bytes) !== entry.crc32) {
    throw file.refuse(`${name} in it is damaged: its checksum differs`);
  }
  return bytes;
}
