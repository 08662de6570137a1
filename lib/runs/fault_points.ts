/**
 * Fault points: named places in a run at which a test can kill the process, to see what is left on
 * disk and that the run resumes from it.
 *
 * They do nothing unless code in this process calls {@linkcode onFaultPoint}, which only tests do;
 * no config or environment variable can switch them on. A place that is off costs one comparison.
 */

/** Every place, in the order in which a run comes to them. */
export type FaultPoint =
  /** The run's lock is taken; nothing else is written yet. */
  | "lock taken"
  /** To replace a file, a temporary file beside it is created, still empty, … */
  | "file opened"
  | "file half written"
  | "file written"
  /** … flushed to the disk under its temporary name, … */
  | "file flushed"
  /** … and renamed. */
  | "file renamed"
  /** Half of a record of TensorBoard's events is written. */
  | "event half written"
  /** A method that acts before each epoch has not begun to, and has done so. */
  | "epoch begun"
  | "epoch prepared"
  /** A step has its batch, but has not computed its loss. */
  | "step begun"
  /** A line of metrics.jsonl is written by half, and completely. */
  | "line half written"
  | "line written"
  /** The monitor is measuring; no result is recorded yet. */
  | "monitor begun"
  | "monitor recorded"
  /** The best checkpoint has its second name, still a temporary one. */
  | "best linked"
  | "best renamed"
  /** The newest checkpoint is complete, and the oldest is removed. */
  | "old checkpoint removed"
  /** metrics.parquet is written under its temporary name. */
  | "table written";

type Hook = (point: FaultPoint, path: string) => void;

let hook: Hook | undefined;

/**
 * Sets a function that is called at every place, with the file that is written there; `undefined`
 * removes it. For tests only.
 */
export function onFaultPoint(strike: Hook | undefined): void {
  hook = strike;
}

/** Marks a place. */
export function faultPoint(point: FaultPoint, path = ""): void {
  hook?.(point, path);
}

/**
 * Writes all bytes at once or, if a test has set a function, in two halves with a fault point
 * between them.
 */
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
