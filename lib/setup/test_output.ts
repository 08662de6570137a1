/** Parses the output of `deno test`: splits it by files, and reads the counts. */

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Reads the counts from the last line of Deno's output; undefined for any other line. */
export function readSummary(line: string): TestCounts | undefined {
  const match = /^(?:ok|FAILED) \| (\d+) passed.*? \| (\d+) failed/.exec(withoutColours(line));
  if (!match) return undefined;
  const skipped = Number(/ \| (\d+) ignored/.exec(withoutColours(line))?.[1] ?? 0);
  return { passed: Number(match[1]), failed: Number(match[2]), skipped };
}

/** Writes the last line of a run. */
export function closingLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Removes the terminal's colours from a line. */
function withoutColours(line: string): string {
  // deno-lint-ignore no-control-regex -- the escape that begins a colour
  return line.replace(/\x1b\[[0-9;]*m/g, "");
}

/** The report of one process. */
export interface Report extends TestCounts {
  /** Files that were begun, as the process names them: `./lib/rng_test.ts`. */
  readonly begun: readonly string[];
  /** Whether the process printed its summary. If not, it crashed in the last file that it began. */
  readonly complete: boolean;
  /** Whether an error came from no test; then the rest of that module's tests did not run. */
  readonly uncaught: boolean;
  /** The tests that failed: each one's name, file and place, and below it how its error begins. */
  readonly failures: readonly string[];
  /** Seconds from each file's beginning to the next one's, by file. */
  readonly seconds: ReadonlyMap<string, number>;
}

/** How many lines of an error are shown again at the end. */
const errorLines = 12;

/**
 * Reads all lines of a process.
 *
 * @param write Called with all lines of a file when the file ends, so that the output of two
 * processes is not mixed.
 * @param now Returns the time in milliseconds.
 */
export async function readReport(
  lines: AsyncIterable<string>,
  write: (piece: string) => void,
  now: () => number = () => performance.now(),
): Promise<Report> {
  const begun: string[] = [];
  const failures = new Map<string, string[]>();
  let error: string[] | undefined; // the one that is being read
  const seconds = new Map<string, number>();
  let [counted, summary]: [TestCounts, TestCounts | undefined] = [none, undefined];
  let piece: string[] = [];
  let since = now();
  let uncaught = false;
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
    if (ended === undefined) piece.push(line); // one summary for all processes follows at the end
    if (/ => \S+:\d+:\d+$/.test(plain)) {
      if (!failures.has(plain)) failures.set(plain, error = []);
    } else if (/^ ?FAILURES ?$/.test(plain)) error = undefined;
    else if (plain !== "" && error && error.length < errorLines) error.push(`    ${plain}`);
    uncaught ||= /^\S+ \(uncaught error\)$/.test(plain);
    counted = add(counted, readTest(plain));
  }
  endOfFile();
  const complete = summary !== undefined;
  const texts = [...failures].map(([test, lines]) => [test, ...lines].join("\n"));
  return { ...summary ?? counted, begun, complete, uncaught, failures: texts, seconds };
}

export const none: TestCounts = { passed: 0, failed: 0, skipped: 0 };

export function add(a: TestCounts, b: TestCounts): TestCounts {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  };
}

/** Counts the line of a single test. A process that crashes has only these lines and no summary. */
function readTest(plain: string): TestCounts {
  const word = /^\S.* \.\.\. (ok|FAILED|ignored)\b[^|]*$/.exec(plain)?.[1];
  return {
    passed: Number(word === "ok"),
    failed: Number(word === "FAILED"),
    skipped: Number(word === "ignored"),
  };
}
