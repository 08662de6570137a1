/**
 * A run's metrics on disk: a line of JSON for each step, and one more where something rarer was measured. Append-only, some
 * 250 bytes a step: 24 hours at ten steps a second are 220 MB.
 */
import type { HistoryLine } from "lib/runs/events.ts";
import { faultPoint, writeAll } from "lib/runs/fault_points.ts";

/** What reading a log came to. */
export interface MetricsFound {
  /** Bytes up to the end of the last line that counts: where a resumed run goes on writing. */
  readonly bytes: number;
  /** Steps that have a line. */
  readonly steps: number;
}

/**
 * Calls `onLine` with each line up to and including `lastStep`, in order.
 *
 * Lines after it, and a line cut short by a crash, do not count: the run goes on from its checkpoint and writes them again, the
 * same. A line that is no JSON is passed over; whoever reads sees by `steps` that one is missing. The file is read piece by piece.
 *
 * @throws {Error} If the file is there and cannot be read.
 */
export function readMetrics(
  path: string,
  lastStep: number,
  onLine: (line: HistoryLine) => void,
): MetricsFound {
  let [bytes, steps, newest] = [0, 0, 0];
  for (const { text, end } of wholeLines(path)) {
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

/** The lines that end in a line break, each with the place after it. */
function* wholeLines(path: string): Generator<{ text: string; end: number }> {
  using file = openIfThere(path);
  if (file === undefined) return;
  const piece = new Uint8Array(pieceBytes);
  const decoder = new TextDecoder();
  let rest = new Uint8Array(); // of a line that began in an earlier piece
  let end = 0;
  for (let read = file.readSync(piece); read !== null; read = file.readSync(piece)) {
    let from = 0;
    for (let to; (to = piece.subarray(0, read).indexOf(0x0a, from)) >= 0; from = to + 1) {
      const line = join(rest, piece.subarray(from, to));
      rest = new Uint8Array();
      end += line.length + 1;
      yield { text: decoder.decode(line), end };
    }
    rest = join(rest, piece.subarray(from, read));
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}

function openIfThere(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
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
  /** Waits until the disk has everything: a checkpoint must not be ahead of its metrics. */
  flush(): void;
}

/**
 * Opens a log to append to it, after cutting off what stands behind its first `bytes` bytes.
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
