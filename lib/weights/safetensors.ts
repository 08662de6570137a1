/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header of names, types,
 * shapes and byte ranges, then the raw values. A file is written under a temporary name, flushed
 * and renamed, so that it is complete or absent.
 */
import { replaceFile } from "./replace_file.ts";
import {
  elementBytes,
  type ElementType,
  elementTypes,
  isCount,
  type SavedArray,
  sizeOf,
  toFloat32,
} from "./saved_array.ts";
import { openWeightsFile, type WeightsFile } from "./weights_file.ts";

/** The arrays of a file under their names, and its free-form strings. */
export interface SafetensorsFile {
  readonly arrays: ReadonlyMap<string, SavedArray>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Arrays whose type of number is not read, by name, with the reason. */
  readonly unreadable?: ReadonlyMap<string, string>;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * Writes arrays as float32, or as 64-bit integers or float16 where they say so.
 *
 * @throws {Error} If the disk refuses; the file that stood there before is then untouched.
 */
export function writeSafetensors(path: string, file: SafetensorsFile): void {
  replaceFile(path, safetensorsBytes(file));
}

/** The bytes that {@linkcode writeSafetensors} writes. */
export function safetensorsBytes({ arrays, metadata }: SafetensorsFile): Uint8Array<ArrayBuffer> {
  const header: Record<string, HeaderEntry | Readonly<Record<string, string>>> = {
    __metadata__: metadata,
  };
  let offset = 0;
  const contents = [...arrays].map(([name, array]) => {
    const bytes = bytesOf(array);
    header[name] = {
      dtype: array.integers ? "I64" : array.half ? "F16" : "F32",
      shape: array.shape,
      data_offsets: [offset, offset += bytes.length],
    };
    return bytes;
  });
  const json = new TextEncoder().encode(JSON.stringify(header));
  const start = 8 + Math.ceil(json.length / 8) * 8; // aligned, as the format asks
  const file = new Uint8Array(start + offset).fill(0x20, 0, start); // with spaces
  new DataView(file.buffer).setBigUint64(0, BigInt(start - 8), true);
  file.set(json, 8);
  let at = start;
  for (const bytes of contents) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function bytesOf({ values, integers = false, half = false }: SavedArray): Uint8Array {
  if (integers) return new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer);
  if (half) return new Uint8Array(new Float16Array(values).buffer);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Reads arrays, as float32.
 *
 * @throws {Error} If the file is missing, cut short or not of this format; the message names it.
 */
export function readSafetensors(path: string): SafetensorsFile {
  return parseSafetensors(openWeightsFile(path));
}

/** Reads a file that is in memory; otherwise like {@linkcode readSafetensors}. */
export function parseSafetensors(file: WeightsFile): SafetensorsFile {
  const { bytes, refuse } = file;
  if (bytes.length < 8) throw refuse(`it has ${bytes.length} bytes, a header needs 8`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (length > bytes.length - 8) throw refuse("its header is cut short");
  const { __metadata__ = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + length), refuse);
  if (!isStringRecord(__metadata__)) throw refuse("its __metadata__ is not strings under names");
  const data = bytes.subarray(8 + length);
  const checked = Object.entries(entries)
    .map(([name, entry]) => [name, checkEntry(name, entry, refuse)] as const);
  checkCoverage(checked.map(([, { data_offsets }]) => data_offsets), data.length, refuse);
  const arrays = new Map<string, SavedArray>();
  const unreadable = new Map<string, string>();
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of checked) {
    if (!isElementType(dtype)) {
      unreadable.set(name, `it is ${dtype}; only ${elementTypes.join(", ")} are read`);
      continue;
    }
    file.claim(4 * (to - from) / elementBytes[dtype], `"${name}"`);
    arrays.set(name, { shape, values: toFloat32(dtype, data.subarray(from, to)) });
  }
  return { arrays, metadata: __metadata__, ...(unreadable.size > 0 ? { unreadable } : {}) };
}

function isElementType(dtype: string): dtype is ElementType {
  return Object.hasOwn(elementBytes, dtype);
}

type Refuse = WeightsFile["refuse"];

function parseHeader(bytes: Uint8Array, refuse: Refuse): Record<string, unknown> {
  try {
    const header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (isRecord(header)) return header;
  } catch { /* said below */ }
  throw refuse("its header is not a JSON object");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStringRecord(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}

function checkEntry(name: string, entry: unknown, refuse: Refuse): HeaderEntry {
  const { dtype, shape, data_offsets } = isRecord(entry) ? entry : {};
  if (typeof dtype !== "string") throw refuse(`"${name}" has no dtype`);
  if (!Array.isArray(shape) || !Array.isArray(data_offsets) || data_offsets.length !== 2) {
    throw refuse(`"${name}" has no shape or no data_offsets`);
  }
  const size = sizeOf(shape);
  if (size === undefined) throw refuse(`"${name}" has the impossible shape [${shape}]`);
  const [from, to] = data_offsets;
  const bytes = isElementType(dtype) ? size * elementBytes[dtype] : to - from;
  if (!isCount(from) || !isCount(to) || to < from || to - from !== bytes) {
    throw refuse(`"${name}" of shape [${shape}] does not fit its bytes ${from} to ${to}`);
  }
  return entry as HeaderEntry;
}

/** Checks that every byte of the data belongs to one array, as the format demands. */
function checkCoverage(
  ranges: readonly (readonly [number, number])[],
  length: number,
  refuse: Refuse,
): void {
  let end = 0;
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0] || a[1] - b[1])) {
    if (from < end) throw refuse(`two arrays share its bytes from ${from} on`);
    if (from > end) throw refuse(`no array has its bytes ${end} to ${from}`);
    end = to;
  }
  if (end > length) throw refuse(`its values are cut short: ${length} of ${end} bytes`);
  if (end < length) throw refuse(`it has ${length - end} bytes after its last array`);
}
