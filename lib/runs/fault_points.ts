/**
 * Named places on a run's way at which a test can end the process, to see what is left on disk and
 * that the run goes on from it.
 *
 * No config and no environment variable arms them: only code in this process that calls
 * {@linkcode onFaultPoint}, which no file but a test does. A place that is not armed costs one
 * comparison.
 */

/** Every place, in the order in which a run comes to them. */
export type FaultPoint =
  /** The run's lock names this process; nothing else is written yet. */
  | "lock taken"
  /** A file of its own beside the one to be replaced: there and empty, … */
  | "file opened"
  | "file half written"
  | "file written"
  /** … on the disk, under its temporary name still, … */
  | "file flushed"
  /** … and under its own. */
  | "file renamed"
  /** A record of TensorBoard's events. */
  | "event half written"
  /** The batch of a step is there, its loss is not. */
  | "step begun"
  /** A line of metrics.jsonl. */
  | "line half written"
  | "line written"
  /** The monitor measures; nothing of it is recorded. */
  | "monitor begun"
  | "monitor recorded"
  /** The best checkpoint has its second name, a temporary one. */
  | "best linked"
  | "best renamed"
  /** One more checkpoint than stay. */
  | "old checkpoint removed"
  /** metrics.parquet, under its temporary name. */
  | "table written";

type Hook = (point: FaultPoint, path: string) => void;

let hook: Hook | undefined;

/**
 * Calls `strike` at every place, with the file that is written there; `undefined` disarms. For
 * tests only.
 */
export function onFaultPoint(strike: Hook | undefined): void {
  hook = strike;
}

/** Marks a place. */
export function faultPoint(point: FaultPoint, path = ""): void {
  hook?.(point, path);
}

/** Writes all bytes: at once, or in two halves with a place between them where a test listens. */
export function writeAll(
  file: Deno.FsFile,
  bytes: Uint8Array,
  halfway: FaultPoint,
  path: string,
): void {
  const half = hook === undefined ? 0 : bytes.length >> 1;
  let done = 0;
  while (done < half) done += file.writeSync(bytes.subarray(done, half));
  faultPoint(halfway, path);
  while (done < bytes.length) done += file.writeSync(bytes.subarray(done));
}
