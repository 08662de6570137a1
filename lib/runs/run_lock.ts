/**
 * Makes sure that at most one process writes a run, by the operating system's lock on an open file.
 * The lock ends with its process, even if that is killed.
 */
import { hostname } from "node:os";

/** The writer, as the lock file names it. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
}

/** A lock that is held. Dispose of it to let others write. */
export interface RunLock extends Disposable {
  /**
   * A message for the user: the process that had the run before ended without finishing its work.
   */
  readonly takenOver?: string;
}

/**
 * Takes the lock, or fails at once.
 *
 * The file stays, and is empty, when the lock is released. If it names a process but the system
 * holds no lock, that process is dead, and the run is taken over.
 *
 * @throws {Error} If a living process has the lock, including this one; the message says which,
 *   where, and since when.
 */
export function takeRunLock(path: string, run: string): RunLock {
  const file = Deno.openSync(path, { read: true, write: true, create: true });
  if (!file.tryLockSync(true)) {
    file.close();
    throw new Error(
      `Cannot write run ${run}: ${
        describe(readHolder(path))
      } is writing it; wait for it, or stop it there`,
    );
  }
  const before = readHolder(path);
  const holder: Holder = { pid: Deno.pid, host: hostname(), since: new Date().toISOString() };
  file.truncateSync();
  file.writeSync(new TextEncoder().encode(JSON.stringify(holder)));
  return {
    ...(before && { takenOver: `${describe(before)} ended without closing run ${run}; going on` }),
    [Symbol.dispose]: () => {
      file.truncateSync();
      file.close(); // releases the lock
    },
  };
}

/**
 * Which living process has the lock, in words: `process 12 on host (since 2026-11-30T01:00:00Z)`.
 * Nothing is written, and a lock that was released, which is an empty file, is not even tried.
 *
 * @returns `undefined` if nobody has it.
 */
export function lockHolder(path: string): string | undefined {
  const holder = readHolder(path);
  if (holder === undefined) return undefined;
  using file = Deno.openSync(path);
  return file.tryLockSync(false) ? undefined : describe(holder); // closing it gives the lock back
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(Deno.readTextFileSync(path)) as Holder;
  } catch {
    return undefined; // empty: released; or being written just now
  }
}

function describe(holder: Holder | undefined): string {
  if (holder === undefined) return "another process";
  const { pid, host, since } = holder;
  const where = pid === Deno.pid && host === hostname() ? "this process" : `process ${pid}`;
  return `${where} on ${host} (since ${since})`;
}
