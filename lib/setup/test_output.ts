/** What a process of `deno test` prints, taken apart: a piece for each file, and the counts. */

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The counts in Deno's own last line, if this is that line. */
export function readSummary(line: string): TestCounts | undefined {
  const match = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/.exec(withoutColours(line));
  if (!match) return undefined;
  const skipped = Number(/ \| (\d+) ignored/.exec(withoutColours(line))?.[1] ?? 0);
  return { passed: Number(match[1]), failed: Number(match[2]), skipped };
}

/** The line that closes a run. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** A line without the terminal's colours. */
function withoutColours(line: string): string {
  // deno-lint-ignore no-control-regex -- the escape that begins a colour
  return line.replace(/\x1b\[[0-9;]*m/g, "");
}

/** What one process said. */
export interface Report extends TestCounts {
  /** Files that were begun, as the process names them: `./lib/rng_test.ts`. */
  readonly begun: readonly string[];
  /** Whether it came to its summary. A process that crashed did not; its last file is where. */
  readonly complete: boolean;
  /** The tests that failed, a line each, with file and place. */
  readonly failures: readonly string[];
  /** Seconds from each file's beginning to the next one's, by file. */
  readonly seconds: ReadonlyMap<string, number>;
}

/**
 * Reads the lines of a process to their end.
 *
 * @param write Called with the lines of one file at a time, as it ends, so that two processes do not mix.
 * @param now The time in milliseconds.
 */
export async function readReport(
  lines: AsyncIterable<string>,
  write: (piece: string) => void,
  now: () => number = () => performance.now(),
): Promise<Report> {
  const begun: string[] = [];
  const failures = new Set<string>();
  const seconds = new Map<string, number>();
  let [counted, summary]: [TestCounts, TestCounts | undefined] = [none, undefined];
  let piece: string[] = [];
  let since = now();
  const endOfFile = () => {
    if (piece.length > 0) write(piece.join("\n") + "\n");
    if (begun.length > 0) seconds.set(begun.at(-1)!, (now() - since) / 1000);
    [piece, since] = [[], now()];
  };
  for await (const line of lines) {
    const plain = withoutColours(line);
    const file = /^running \d+ tests? from (\S+)$/.exec(plain)?.[1];
    if (file !== undefined) {
      endOfFile();
      begun.push(file);
    }
    const ended = readSummary(line);
    summary = ended ?? summary;
    if (ended === undefined) piece.push(line); // the sum of all processes says it in its place
    if (/ => \S+:\d+:\d+$/.test(plain)) failures.add(plain);
    counted = add(counted, readTest(plain));
  }
  endOfFile();
  const complete = summary !== undefined;
  return { ...summary ?? counted, begun, complete, failures: [...failures], seconds };
}

export const none: TestCounts = { passed: 0, failed: 0, skipped: 0 };

export function add(a: TestCounts, b: TestCounts): TestCounts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** What a test's own line counts: all there is of a process that never came to its summary. */
function readTest(plain: string): TestCounts {
  const word = /^\S.* \.\.\. (ok|FAILED|ignored)\b[^|]*$/.exec(plain)?.[1];
  return {
    passed: Number(word === "ok"),
    failed: Number(word === "FAILED"),
    skipped: Number(word === "ignored"),
  };
}
