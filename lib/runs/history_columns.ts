/**
 * Packs a run's history: every number to the bit, in an eighth of the bytes that metrics.jsonl
 * takes, once a general compressor has seen the result.
 *
 * A column is the values of one metric. Each is stored as 32-bit integers, float32 or float64,
 * whichever is the smallest that holds all its values exactly. Then the bit patterns are replaced
 * by their differences, several times over where that makes them small (a learning rate on a cosine
 * is smooth), and all first bytes stand together, then all second bytes, and so on.
 */
import { deflateRawSync } from "node:zlib";
import type { HistoryLine } from "./events.ts";

type NumberType = "i32" | "f32" | "f64";

/** How some numbers are stored. */
interface NumbersCode {
  readonly type: NumberType;
  /** How often neighbours were subtracted. */
  readonly order: number;
  readonly count: number;
}

/** How the values of a metric are stored. */
interface ColumnCode extends NumbersCode {
  readonly name: string;
  /** How the indices of the lines that have the metric are stored; absent if all lines have it. */
  readonly lines?: NumbersCode;
}

/** What {@linkcode decodeHistory} must know besides the bytes: plain data. */
export interface HistoryCode {
  readonly step: NumbersCode;
  /** In the order of their bytes. */
  readonly columns: readonly ColumnCode[];
}

export interface EncodedHistory {
  readonly code: HistoryCode;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Encodes a history. A value that JSON could not hold, which is read as null, becomes NaN. */
export function encodeHistory(history: readonly HistoryLine[]): EncodedHistory {
  const pieces: Uint8Array[] = [];
  const put = (values: readonly number[]): NumbersCode => {
    const { code, bytes } = encodeNumbers(values);
    pieces.push(bytes);
    return code;
  };
  const step = put(history.map((line) => line.step));
  const columns: ColumnCode[] = [];
  for (const name of new Set(history.flatMap(({ metrics }) => Object.keys(metrics)))) {
    const lines = history.flatMap(({ metrics }, i) => name in metrics ? [i] : []);
    const values = lines.map((i) => history[i]!.metrics[name] ?? NaN);
    const places = lines.length < history.length ? { lines: put(lines) } : {};
    columns.push({ name, ...places, ...put(values) });
  }
  return { code: { step, columns }, bytes: joined(pieces) };
}

/**
 * The history that was encoded.
 *
 * @param only Names of the metrics to decode; by default all. One metric takes a fraction of the
 *   time of all.
 */
export function decodeHistory(
  { code: { step, columns }, bytes }: EncodedHistory,
  only?: readonly string[],
): HistoryLine[] {
  let at = 0;
  const skip = (code: NumbersCode) => bytes.subarray(at, at += code.count * widths[code.type]);
  const take = (code: NumbersCode): number[] => decodeNumbers(code, skip(code));
  const steps = take(step);
  const metrics: Record<string, number>[] = steps.map(() => ({}));
  for (const { name, lines, ...code } of columns) {
    if (only && !only.includes(name)) {
      if (lines) skip(lines);
      skip(code);
      continue;
    }
    const places = lines && take(lines);
    take(code).forEach((value, i) => metrics[places?.[i] ?? i]![name] = value);
  }
  return steps.map((step, i) => ({ step, metrics: metrics[i]! }));
}

const widths = { i32: 4, f32: 4, f64: 8 } as const; // bytes

/** The smallest type that holds all values exactly. */
function typeOf(values: readonly number[]): NumberType {
  if (values.every((value) => Object.is(value | 0, value))) return "i32";
  return values.every((value) => Object.is(Math.fround(value), value)) ? "f32" : "f64";
}

const maxOrder = 5; // the rounding of the values doubles with every subtraction

function encodeNumbers(values: readonly number[]) {
  const type = typeOf(values);
  let bits = toBits(type, values);
  let [best, least] = [{ order: 0, bytes: toPlanes(type, bits) }, Infinity];
  for (let order = 0; order <= maxOrder; order++) {
    if (order > 0) bits = differences(type, bits);
    const bytes = toPlanes(type, bits);
    const size = deflateRawSync(bytes).length;
    if (size < least) [best, least] = [{ order, bytes }, size];
  }
  const code: NumbersCode = { type, order: best.order, count: values.length };
  return { code, bytes: best.bytes };
}

function decodeNumbers({ type, order, count }: NumbersCode, bytes: Uint8Array): number[] {
  const bits = fromPlanes(type, bytes, count);
  for (let i = 0; i < order; i++) sumUp(type, bits);
  return fromBits(type, bits);
}

/** The bit patterns of the values, as integers. */
function toBits(type: NumberType, values: readonly number[]): BigInt64Array {
  if (type === "f64") return new BigInt64Array(Float64Array.from(values).buffer);
  const patterns = type === "i32"
    ? Int32Array.from(values)
    : new Int32Array(Float32Array.from(values).buffer);
  return BigInt64Array.from(patterns, BigInt);
}

function fromBits(type: NumberType, bits: BigInt64Array): number[] {
  if (type === "f64") return [...new Float64Array(bits.buffer)];
  const patterns = Int32Array.from(bits, Number);
  return type === "i32" ? [...patterns] : [...new Float32Array(patterns.buffer)];
}

/** Each number less the one before it; the first stays. Overflows wrap. */
function differences(type: NumberType, bits: BigInt64Array): BigInt64Array {
  return bits.map((value, i) => i === 0 ? value : wrapped(type, value - bits[i - 1]!));
}

/** Undoes {@linkcode differences}, in place. */
function sumUp(type: NumberType, bits: BigInt64Array): void {
  for (let i = 1; i < bits.length; i++) bits[i] = wrapped(type, bits[i]! + bits[i - 1]!);
}

function wrapped(type: NumberType, value: bigint): bigint {
  return BigInt.asIntN(8 * widths[type], value);
}

/** All lowest bytes, then all second bytes, and so on. */
function toPlanes(type: NumberType, bits: BigInt64Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(bits.buffer); // of little-endian 64-bit integers
  const { length } = bits;
  const planes = new Uint8Array(length * widths[type]);
  for (let i = 0; i < planes.length; i++) {
    planes[i] = bytes[8 * (i % length) + Math.floor(i / length)]!;
  }
  return planes;
}

function fromPlanes(type: NumberType, planes: Uint8Array, length: number): BigInt64Array {
  const bits = new BigInt64Array(length);
  const bytes = new Uint8Array(bits.buffer);
  for (let i = 0; i < planes.length; i++) {
    bytes[8 * (i % length) + Math.floor(i / length)] = planes[i]!;
  }
  return bits.map((value) => wrapped(type, value)); // with the sign of 32-bit integers
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
