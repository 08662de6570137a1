/**
 * Features that are too many for memory, in a file: `<path>.npy`, `[N, D]` float32, beside
 * `<path>.labels.npy`, `[N]` int32. NumPy reads both.
 */
import type { FeatureBank, LabelledFeatures } from "lib/eval/features/feature_bank.ts";

// bytes of our header: the magic, a version, a length and a dictionary, padded as NumPy aligns it
const headerBytes = 128;
const fromHeader = /'descr': '(<f4|<i4)', 'fortran_order': False, 'shape': \((\d+),(?: (\d+))?\)/;

/**
 * Receives features as they are computed. If it is disposed of without being closed, no file is
 * left.
 */
export interface FeatureWriter extends Disposable {
  /** @throws {RangeError} If there is not one row of D for each label. */
  append(part: LabelledFeatures): void;
  /** Completes the files and moves them to their final names. */
  close(): void;
}

/** A bank that is read from its file. Dispose of it to close the file. */
export interface FeatureFile extends FeatureBank, Disposable {}

/**
 * Begins a file of features of length `dim`. An older file at `path` is replaced when this one is
 * closed, not before.
 *
 * @param path Without `.npy`.
 */
export function createFeatureFile(path: string, dim: number): FeatureWriter {
  const partial = `${path}.npy.${Deno.pid}.partial`;
  const file = Deno.openSync(partial, { write: true, create: true, truncate: true });
  const labels: Int32Array[] = [];
  let [count, isOpen] = [0, true];
  writeAll(file, new Uint8Array(headerBytes));
  return {
    append: (part) => {
      if (part.features.length !== dim * part.labels.length) {
        throw new RangeError(
          `Cannot store ${part.features.length} numbers for ${part.labels.length} images of ${dim}`,
        );
      }
      writeAll(file, bytesOf(part.features));
      labels.push(part.labels.slice());
      count += part.labels.length;
    },
    close: () => {
      file.seekSync(0, Deno.SeekMode.Start);
      writeAll(file, npyHeader("<f4", `${count}, ${dim}`));
      file.syncDataSync();
      file.close();
      isOpen = false;
      writeLabels(`${path}.labels.npy`, labels, count);
      Deno.renameSync(partial, `${path}.npy`);
    },
    [Symbol.dispose]: () => {
      if (!isOpen) return;
      isOpen = false;
      file.close();
      Deno.removeSync(partial);
    },
  };
}

function writeLabels(path: string, parts: readonly Int32Array[], count: number): void {
  const all = new Int32Array(count);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  const bytes = new Uint8Array(headerBytes + all.byteLength);
  bytes.set(npyHeader("<i4", `${count},`));
  bytes.set(bytesOf(all), headerBytes);
  Deno.writeFileSync(path, bytes);
}

/**
 * Opens a file that {@linkcode createFeatureFile} wrote. It keeps only the labels and the rows last
 * asked for in memory.
 *
 * @param path Without `.npy`.
 * @throws {Error} If a file is missing, of another kind or cut short; the message names it.
 */
export function openFeatureFile(path: string): FeatureFile {
  const labels = readLabels(`${path}.labels.npy`);
  const file = Deno.openSync(`${path}.npy`);
  try {
    const refuse = (why: string) => new Error(`Cannot read features from ${path}.npy: ${why}`);
    const { shape } = readHeader(file, "<f4", refuse);
    const [count, dim] = shape;
    if (count !== labels.length) {
      throw refuse(`it has ${count} rows, ${path}.labels.npy ${labels.length}`);
    }
    let block = new Float32Array(0);
    return {
      dim: dim!,
      labels,
      rows: (from, to) => {
        const length = (to - from) * dim!;
        if (block.length < length) block = new Float32Array(length);
        const rows = block.subarray(0, length);
        file.seekSync(headerBytes + 4 * from * dim!, Deno.SeekMode.Start);
        readAll(file, bytesOf(rows), refuse);
        return rows;
      },
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    file.close();
    throw error;
  }
}

function readLabels(path: string): Int32Array {
  const refuse = (why: string) => new Error(`Cannot read labels from ${path}: ${why}`);
  using file = Deno.openSync(path);
  const labels = new Int32Array(readHeader(file, "<i4", refuse).shape[0]!);
  readAll(file, bytesOf(labels), refuse);
  return labels;
}

/** Header of a NumPy file: `\x93NUMPY`, version 1.0, and the dictionary, padded with spaces. */
function npyHeader(descr: string, shape: string): Uint8Array {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const header = new Uint8Array(headerBytes).fill(0x20);
  header.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, headerBytes - 10, 0]);
  header.set(new TextEncoder().encode(text), 10);
  header[headerBytes - 1] = 0x0a;
  return header;
}

type Refuse = (why: string) => Error;

function readHeader(file: Deno.FsFile, descr: string, refuse: Refuse): { shape: number[] } {
  const bytes = new Uint8Array(headerBytes);
  readAll(file, bytes, refuse);
  const found = fromHeader.exec(new TextDecoder("latin1").decode(bytes));
  if (!found || found[1] !== descr) throw refuse(`it is not an array of ${descr} written here`);
  const shape = found.slice(2).filter((side) => side !== undefined).map(Number);
  const expected = headerBytes + 4 * shape.reduce((product, side) => product * side, 1);
  const { size } = file.statSync();
  if (size !== expected) throw refuse(`it has ${size} bytes, its header says ${expected}`);
  return { shape };
}

function bytesOf(array: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

function readAll(file: Deno.FsFile, bytes: Uint8Array, refuse: Refuse): void {
  for (let done = 0; done < bytes.length;) {
    const read = file.readSync(bytes.subarray(done));
    if (read === null) throw refuse("it ends too early");
    done += read;
  }
}
