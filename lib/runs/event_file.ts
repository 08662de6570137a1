/**
 * TensorBoard's event files: each record is a length, a protocol buffer, and a checksum of each.
 *
 * Differs: we do not use tfjs-node's writer. It keeps tensors and the open file as long as the
 * process lives, writes on into a deleted file when a run is trained again, cannot say that a run
 * went back to its checkpoint, and needs TensorFlow.
 */
import { join } from "@std/path";
import type { HistoryLine } from "./events.ts";
import { writeAll } from "./fault_points.ts";

/** An open event file. Close it when the run stops. */
export interface EventFile extends Disposable {
  /** @throws {Error} If the disk refuses; the message names the file. */
  write(line: HistoryLine): void;
}

/**
 * Names that TensorBoard looks for. It reads the files of a folder in the order of their names, so
 * in the order of their times.
 */
const pattern = /^events\.out\.tfevents\.\d+\.bcssl$/;

/**
 * Starts a new event file in `folder`. TensorBoard then forgets what earlier files say about steps
 * after `done`, because a run that was killed continues from its checkpoint and takes those steps
 * again.
 */
export function openEventFile(folder: string, done: number): EventFile {
  const path = join(folder, `events.out.tfevents.${Date.now()}.bcssl`);
  const guard = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw new Error(`Cannot write ${path}: ${(error as Error).message}`);
    }
  };
  const file = guard(() => Deno.openSync(path, { write: true, create: true, truncate: true }));
  const append = (bytes: Uint8Array) =>
    guard(() => writeAll(file, bytes, "event half written", path));
  const now = () => Date.now() / 1000;
  append(record(startOfFile(now())));
  append(record(startOfSession(now(), done + 1)));
  return {
    write: ({ step, metrics }) => append(record(scalars(now(), step, metrics))),
    [Symbol.dispose]: () => file.close(),
  };
}

/** Removes a run's event files. */
export function removeEventFiles(folder: string): void {
  for (const { name } of Deno.readDirSync(folder)) {
    if (pattern.test(name)) Deno.removeSync(join(folder, name));
  }
}

// The messages of TensorFlow's event.proto and summary.proto, by field number.

/** Event { wall_time = 1, file_version = 3 } */
export function startOfFile(time: number): Uint8Array {
  return bytes([double(1, time), delimited(3, utf8.encode("brain.Event:2"))]);
}

/** Event { wall_time = 1, step = 2, session_log = 7 { status = 1: START } } */
export function startOfSession(time: number, step: number): Uint8Array {
  return bytes([double(1, time), integer(2, step), delimited(7, integer(1, 1))]);
}

/** Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } … } } */
export function scalars(
  time: number,
  step: number,
  metrics: HistoryLine["metrics"],
): Uint8Array {
  const values = Object.entries(metrics).map(([tag, value]) =>
    delimited(1, bytes([delimited(1, utf8.encode(tag)), float(2, value)]))
  );
  return bytes([double(1, time), integer(2, step), delimited(5, bytes(values))]);
}

const utf8 = new TextEncoder();

function double(field: number, value: number): Uint8Array {
  return bytes([varint(field << 3 | 1), new Uint8Array(Float64Array.of(value).buffer)]);
}

function float(field: number, value: number): Uint8Array {
  return bytes([varint(field << 3 | 5), new Uint8Array(Float32Array.of(value).buffer)]);
}

function integer(field: number, value: number): Uint8Array {
  return bytes([varint(field << 3), varint(value)]);
}

function delimited(field: number, contents: Uint8Array): Uint8Array {
  return bytes([varint(field << 3 | 2), varint(contents.length), contents]);
}

/**
 * Protocol buffer integer: seven bits per byte, lowest first; the top bit says that more bytes
 * follow.
 */
function varint(value: number): Uint8Array {
  const out: number[] = [];
  for (; value > 127; value = Math.floor(value / 128)) out.push(value % 128 | 128);
  return Uint8Array.from([...out, value]);
}

function bytes(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * A record of a TFRecord file: length (8 bytes), its checksum, the data, its checksum; all
 * little-endian.
 */
export function record(data: Uint8Array): Uint8Array {
  const length = new Uint8Array(BigUint64Array.of(BigInt(data.length)).buffer);
  return bytes([length, checksum(length), data, checksum(data)]);
}

/**
 * CRC-32C, rotated and shifted as TFRecord requires, so that a checksum over checksums still works.
 */
function checksum(data: Uint8Array): Uint8Array {
  const crc = crc32c(data);
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
  return new Uint8Array(Uint32Array.of(masked).buffer);
}

/** CRC-32C (Castagnoli); zlib's is another polynomial. */
export function crc32c(data: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of data) crc = crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});
