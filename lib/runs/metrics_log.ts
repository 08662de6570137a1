/**
 * A run's metrics on disk: one line of JSON per step, and a second one where the monitor measured.
 * Lines are only appended. A line has some 250 bytes, so 24 hours at ten steps a second are 220 MB.
 */
import type { HistoryLine } from "./events.ts";
import { faultPoint, writeAll } from "./fault_points.ts";
import { ifThere } from "./if_there.ts";

/** How far a log was read. */
export interface MetricsFound {
  /** Bytes up to the end of the last valid line: a resumed run continues to write there. */
  readonly bytes: number;
  /** Number of steps that have a line. */
  readonly steps: number;
}

/**
 * Calls `onLine` with each line up to and including `lastStep`, in order.
 *
 * Later lines, and a line cut short by a crash, do not count: the run continues from its checkpoint
 * and writes the same lines again. A line that is not JSON is skipped; the caller sees from `steps`
 * that one is missing. The file is read piece by piece.
 *
 * @param from Byte to begin at: the `bytes` of an earlier call, to read only what was written
 *   since. In the middle of a line, that line is skipped.
 * @throws {Error} If the file exists and cannot be read.
 */
export function readMetrics(
  path: string,
  lastStep: number,
  onLine: (line: HistoryLine) => void,
  from = 0,
): MetricsFound {
  let [bytes, steps, newest] = [from, 0, 0];
  for (const { text, end } of wholeLines(path, from)) {
    const line = parse(text);
    if (line === undefined) continue;
    if (line.step > lastStep) break;
    onLine(line);
    if (line.step > newest) steps++;
    [bytes, newest] = [end, line.step];
  }
  return { bytes, steps };
}

const pieceBytes = 1 << 20;

/** Lines behind a byte that end in a line break, each with the offset after it. */
function* wholeLines(path: string, from: number): Generator<{ text: string; end: number }> {
  using file = ifThere(() => Deno.openSync(path));
  if (file === undefined) return;
  file.seekSync(from, Deno.SeekMode.Start);
  const piece = new Uint8Array(pieceBytes);
  const decoder = new TextDecoder();
  let rest = new Uint8Array(); // start of a line from an earlier piece
  let end = from;
  for (let read = file.readSync(piece); read !== null; read = file.readSync(piece)) {
    let begin = 0;
    for (let to; (to = piece.subarray(0, read).indexOf(0x0a, begin)) >= 0; begin = to + 1) {
      const line = join(rest, piece.subarray(begin, to));
      rest = new Uint8Array();
      end += line.length + 1;
      yield { text: decoder.decode(line), end };
    }
    rest = join(rest, piece.subarray(begin, read));
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function parse(text: string): HistoryLine | undefined {
  try {
    const { step, ...metrics } = JSON.parse(text) as { step: number } & Record<string, number>;
    return Number.isInteger(step) ? { step, metrics } : undefined;
  } catch {
    return undefined;
  }
}

/** An open log. Close it when the run stops. */
export interface MetricsLog extends Disposable {
  /** @throws {Error} If the disk refuses; the message names the file. */
  write(line: HistoryLine): void;
  /** Waits until the disk has all lines: a checkpoint must not be ahead of its metrics. */
  flush(): void;
}

/**
 * Opens a log for appending, after removing everything behind its first `bytes` bytes.
 *
 * @throws {Error} If it cannot be written; the message names it.
 */
export function openMetricsLog(path: string, bytes: number): MetricsLog {
  const encoder = new TextEncoder();
  const guard = <T>(body: () => T): T => {
    try {
      return body();
    } catch (error) {
      throw new Error(`Cannot write ${path}: ${(error as Error).message}`);
    }
  };
  const file = guard(() => {
    const opened = Deno.openSync(path, { write: true, create: true, append: true });
    if (opened.statSync().size > bytes) opened.truncateSync(bytes);
    return opened;
  });
  return {
    write({ step, metrics }) {
      const line = encoder.encode(JSON.stringify({ step, ...metrics }) + "\n");
      guard(() => writeAll(file, line, "line half written", path));
      faultPoint("line written", path);
    },
    flush: () => guard(() => file.syncDataSync()),
    [Symbol.dispose]: () => file.close(),
  };
}
