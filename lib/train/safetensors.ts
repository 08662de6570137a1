/**
 * The safetensors format: an 8-byte little-endian header length, a JSON header of names, types, shapes and byte
 * ranges, then the raw values. Written whole to a temporary name, flushed and renamed, so that a file is complete or
 * absent.
 */
import { replaceFile } from "lib/train/replace_file.ts";

/** One array of a file. Values are row-major. */
export interface SavedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** The arrays of a file under their names, and its free-form strings. */
export interface SafetensorsFile {
  readonly arrays: ReadonlyMap<string, SavedArray>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface HeaderEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const isBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;

/**
 * Writes float32 arrays.
 *
 * @throws {Error} If the disk refuses; the file that stood there before is then untouched.
 */
export function writeSafetensors(path: string, { arrays, metadata }: SafetensorsFile): void {
  const header: Record<string, HeaderEntry | Readonly<Record<string, string>>> = {
    __metadata__: metadata,
  };
  let offset = 0;
  for (const [name, { shape, values }] of arrays) {
    header[name] = {
      dtype: "F32",
      shape,
      data_offsets: [offset, offset += values.byteLength],
    };
  }
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 8) * 8)); // aligned, as the format asks
  const file = new Uint8Array(8 + json.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(json.length), true);
  file.set(json, 8);
  let at = 8 + json.length;
  for (const { values } of arrays.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  replaceFile(path, file);
}

/**
 * Reads float32 arrays.
 *
 * @throws {Error} If the file is missing, cut short, or not of this format; the message names it.
 */
export function readSafetensors(path: string): SafetensorsFile {
  const refuse = (why: string) => new Error(`Cannot read weights from ${path}: ${why}`);
  if (isBigEndian) throw refuse("this machine is big-endian, the format is not");
  let bytes: Uint8Array;
  try {
    bytes = Deno.readFileSync(path);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (bytes.length < 8) throw refuse(`it has ${bytes.length} bytes, a header needs 8`);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  if (length > bytes.length - 8) throw refuse("its header is cut short");
  const { __metadata__, ...entries } = parseHeader(bytes.subarray(8, 8 + length), refuse);
  const data = bytes.subarray(8 + length);
  const arrays = new Map<string, SavedArray>();
  for (const [name, entry] of Object.entries(entries)) {
    arrays.set(name, readArray(name, entry as HeaderEntry, data, refuse));
  }
  return { arrays, metadata: (__metadata__ ?? {}) as Record<string, string> };
}

function parseHeader(bytes: Uint8Array, refuse: (why: string) => Error): Record<string, unknown> {
  try {
    const header = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof header === "object" && header !== null) return header;
  } catch { /* said below */ }
  throw refuse("its header is not a JSON object");
}

function readArray(
  name: string,
  entry: HeaderEntry,
  data: Uint8Array,
  refuse: (why: string) => Error,
): SavedArray {
  const { dtype, shape, data_offsets } = entry ?? {};
  if (dtype !== "F32") throw refuse(`"${name}" is ${dtype}, only F32 is supported`);
  if (!Array.isArray(shape) || !Array.isArray(data_offsets)) {
    throw refuse(`"${name}" has no shape or no data_offsets`);
  }
  const [from, to] = data_offsets as readonly number[];
  const size = shape.reduce((product, side) => product * side, 1);
  if (!(from! >= 0 && to! <= data.length && to! - from! === 4 * size)) {
    throw refuse(`"${name}" of shape [${shape}] does not fit its bytes ${from} to ${to}`);
  }
  return { shape, values: new Float32Array(data.slice(from, to).buffer) };
}
