/**
 * `deno task test [--fast] [--times] [name…]`: sets up what is missing, runs the tests in a process
 * for each core and two more, and ends with `N passed, N failed`.
 */
import { root } from "lib/setup/install/project.ts";
import { textLines } from "lib/setup/notebooks/json_lines.ts";
import { setUp } from "./setup.ts";
import { main, readArguments } from "./task.ts";
import { add, closingLine, none, readReport, type Report, type TestCounts } from "./test_output.ts";
import { findTests, groupTests, isSlow, mostlyWaits } from "./test_plan.ts";

export interface TestOptions {
  /** Leaves out files named `x_slow_test.ts`. */
  readonly fast?: boolean;
  /** Prints the files that took longest. */
  readonly times?: boolean;
  /** Number of processes at a time; by default, as many as the machine's cores and memory allow. */
  readonly workers?: number;
  /** Ends all processes when it is aborted. */
  readonly signal?: AbortSignal;
  readonly write?: (text: string) => void;
}

/** The counts of a run, and its failures. */
export interface TestRun extends TestCounts {
  /** A line for each failed test, each crashed file, and for types that do not check. */
  readonly failures: readonly string[];
}

/**
 * Runs the tests at the given paths, by default all of `lib`, and shows Deno's output file by file.
 *
 * Files that run at the same time run in separate processes, since the tests of a process share
 * environment variables. (`deno test --parallel` uses one process.) Files whose tests mostly wait
 * run one after the other beside the rest. A process that crashes counts
 * as a failure of the file that it was running; the files after it run in a new process. Types are
 * checked once, at the same time as the first tests; if the check fails, that is one failure, and
 * no further file begins.
 *
 * @throws {Error} If there is nothing at one of the paths.
 */
export async function runTests(
  paths: readonly string[] = [],
  options: TestOptions = {},
): Promise<TestRun> {
  const { fast = false, times = false, workers = workerCount(), write = toTerminal } = options;
  const all = await findTests(paths.length > 0 ? paths : ["lib"], root);
  const files = fast ? all.filter((file) => !isSlow(file)) : all;
  const queue = groupTests(files.filter((file) => !mostlyWaits(file)));
  const waiting = groupTests(files.filter(mostlyWaits));
  const failures: string[] = [];
  const seconds = new Map<string, number>();
  let counts = none;
  const take = async (queue: string[][]) => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      const report = await testProcess(group, write, options.signal);
      counts = add(counts, report);
      for (const [file, taken] of report.seconds) seconds.set(file, taken);
      failures.push(...report.failures);
      if (options.signal?.aborted) return;
      if (!report.complete) queue.unshift(...filesAfterCrash(group, report));
    }
  };
  const check = async () => {
    const complaint = await checkTypes(files, options.signal);
    if (complaint === "" || options.signal?.aborted) return;
    write(complaint);
    failures.push("types do not check: see above");
    counts = add(counts, { ...none, failed: 1 });
    queue.length = waiting.length = 0;
  };
  const others = Array.from({ length: Math.max(workers, 1) - 1 }, () => take(queue));
  await Promise.all([check().then(() => take(queue)), ...others, take(waiting)]);
  if (times) write(slowest(seconds));
  return { ...counts, failures };
}

/**
 * One process for each core and one more, since notebooks wait between their cells. Each process
 * may take 2 GiB.
 */
function workerCount(): number {
  const { total } = Deno.systemMemoryInfo();
  return Math.max(1, Math.min(navigator.hardwareConcurrency + 1, Math.floor(total / 2 ** 31)));
}

/** The files that a crashed process had not begun; they run in a new process. */
function filesAfterCrash(group: readonly string[], { begun }: Report): string[][] {
  const rest = group.filter((file) => !begun.some((name) => isNameOf(name, file)));
  return rest.length > 0 && rest.length < group.length ? [rest] : [];
}

/**
 * Whether Deno's name of a file means this file. Deno names files relative to its working folder:
 * `./lib/rng_test.ts`, `../../tmp/x_test.ts`.
 */
function isNameOf(name: string, file: string): boolean {
  return file.endsWith(name.replace(/^(\.\.?\/)+/, "/"));
}

/** Runs some files in one process. */
async function testProcess(
  files: readonly string[],
  write: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<Report> {
  const args = ["test", "-A", "--no-check", ...files];
  const child = spawn(args, signal);
  const report = await readReport(textLines(child.stdout), write);
  const { success, code, signal: killed } = await child.status;
  if (success || signal?.aborted) return report;
  if (report.complete && report.failed > 0) return report;
  const crashed = report.begun.at(-1) ??
    files.map((file) => file.slice(root.length + 1)).join(", ");
  const how = killed === null ? `code ${code}` : killed;
  const line = `${crashed}: the process of the tests ended with ${how}`;
  write(`${line}\n`);
  return {
    ...report,
    failed: report.failed + 1,
    failures: [...report.failures, line],
  };
}

/**
 * Checks the types of all files. Returns the compiler's output if there are errors, else an empty
 * text.
 */
async function checkTypes(
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  if (files.length === 0) return "";
  const child = spawn(["check", "--quiet", ...files], signal);
  const lines = await Array.fromAsync(textLines(child.stdout));
  const { success } = await child.status;
  return success ? "" : [...lines, ""].join("\n");
}

/**
 * Each process computes on one thread: there are more processes than cores, and a thread that
 * spins while it waits for work would take a core from another process. Results are the same on
 * any number of threads.
 */
const oneThread = { TF_NUM_INTRAOP_THREADS: "1", OMP_NUM_THREADS: "1" } as const;

/** Tests train their own runs: what comes with the project must not change what they see. */
const noShippedRuns = { BCSSL_SHIPPED: "none" } as const;

/**
 * Starts Deno in a process group of its own, to which all processes of its tests belong. Its output
 * and its errors come as one stream, in order.
 */
function spawn(args: readonly string[], signal: AbortSignal | undefined) {
  const child = new Deno.Command("sh", {
    args: ["-c", 'exec "$@" 2>&1', "sh", Deno.execPath(), ...args],
    cwd: root,
    env: {
      ...oneThread,
      ...noShippedRuns,
      ...(Deno.stdout.isTerminal() ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }),
    },
    stdin: "null",
    stdout: "piped",
    detached: true,
  }).spawn();
  const end = () => endGroup(child.pid);
  if (signal?.aborted) end();
  signal?.addEventListener("abort", end);
  void child.status.then(() => signal?.removeEventListener("abort", end));
  return child;
}

/**
 * Ends a process group: sends SIGINT, so that the notebook runner can end its kernel, and SIGTERM
 * two seconds later.
 */
function endGroup(pid: number): void {
  const send = (signal: Deno.Signal) => {
    try {
      Deno.kill(-pid, signal);
    } catch { /* it has ended */ }
  };
  send("SIGINT");
  Deno.unrefTimer(setTimeout(() => send("SIGTERM"), 2000));
}

function slowest(seconds: ReadonlyMap<string, number>): string {
  const rows = [...seconds].toSorted((a, b) => b[1] - a[1]).slice(0, 40);
  return rows.map(([file, taken]) => `${taken.toFixed(1).padStart(7)} s  ${file}\n`).join("");
}

function toTerminal(text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) sent += Deno.stdout.writeSync(bytes.subarray(sent));
}

/** Prints all failures once more at the end, where they are seen, and the counts. */
export function showResult({ failures, ...counts }: TestRun): void {
  if (failures.length > 0) console.log(`\nFailed:\n${failures.map((it) => `  ${it}\n`).join("")}`);
  console.log(closingLine(counts));
}

if (import.meta.main) {
  await main(async (args) => {
    const { values, positionals } = readArguments(
      args,
      { fast: { type: "boolean", default: false }, times: { type: "boolean", default: false } },
      { positionals: true },
    );
    await setUp({ quiet: true });
    const stop = new AbortController();
    const codes = { SIGINT: 130, SIGTERM: 143 } as const;
    let code: number | undefined;
    for (const name of ["SIGINT", "SIGTERM"] as const) {
      Deno.addSignalListener(name, () => {
        code ??= codes[name];
        stop.abort();
      });
    }
    const run = await runTests(positionals, { ...values, signal: stop.signal });
    if (code !== undefined) Deno.exit(code);
    showResult(run);
    Deno.exit(run.failed > 0 ? 1 : 0); // the listeners would keep the process
  });
}
