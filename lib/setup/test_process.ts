/** Runs test files in processes of Deno, and reads what these print. */
import { toFileUrl } from "@std/path";
import { root } from "lib/setup/install/project.ts";
import { textLines } from "lib/setup/notebooks/json_lines.ts";
import { readReport, type Report } from "./test_output.ts";

/** Where the output of processes goes, and what ends them. */
export interface ProcessOptions {
  readonly write: (text: string) => void;
  /** Ends the processes when it is aborted. */
  readonly signal?: AbortSignal;
  /** A module that runs before each module of tests. */
  readonly preload?: string;
}

/**
 * Runs test files in one process and one module, which imports them: Deno gives each module that it
 * is called with an environment of its own, and loading the engine and the library into one takes
 * up to half a second. So a test leaves globals as it found them, as it must environment variables,
 * which all files of a process share.
 *
 * If the process ends early, or an error comes from no test, the other files' tests have not run.
 * Then all files run again by {@linkcode testApart}, whose report counts. If nothing fails there,
 * that the files failed together is one failure.
 */
export async function testTogether(
  files: readonly string[],
  options: ProcessOptions,
): Promise<Report> {
  if (files.length === 1) return await testApart(files, options);
  const folder = await Deno.makeTempDir();
  try {
    const module = `${folder}/tests.ts`;
    await Deno.writeTextFile(module, importing(files));
    const names = files.map(shortName).join(", ");
    const write = (text: string) =>
      options.write(text.replace(/^(running \d+ tests? from )\S+tests\.ts$/m, `$1${names}`));
    const report = await testProcess([module], names, { ...options, write });
    if (!report.uncaught && report.complete || options.signal?.aborted) return report;
    options.write(`All run again, each in a module of its own: ${names}\n`);
    const apart = await testApart(files, options);
    if (apart.failed > 0) return apart;
    const failures = [`${names}: an error came from no test when they ran together`];
    return { ...apart, failed: 1, failures };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A module that imports test files one after the other. A file that cannot be loaded fails. */
function importing(files: readonly string[]): string {
  return files.map((file) => {
    const [url, name] = [toFileUrl(file).href, `${shortName(file)} can be loaded`];
    return `try { await import(${JSON.stringify(url)}); } catch (error) {
  Deno.test(${JSON.stringify(name)}, () => { throw error; });
}
`;
  }).join("");
}

/**
 * Runs test files in one process, each in an environment of its own. A process that crashes counts
 * as a failure of the file that it was running; the files after it run in a new process.
 */
export async function testApart(
  files: readonly string[],
  options: ProcessOptions,
): Promise<Report> {
  const report = await testProcess(files, files.map(shortName).join(", "), options);
  const rest = report.complete ? [] : filesAfterCrash(files, report);
  if (rest.length === 0 || options.signal?.aborted) return report;
  const later = await testApart(rest, options);
  return {
    passed: report.passed + later.passed,
    failed: report.failed + later.failed,
    skipped: report.skipped + later.skipped,
    begun: [...report.begun, ...later.begun],
    complete: later.complete,
    uncaught: report.uncaught || later.uncaught,
    failures: [...report.failures, ...later.failures],
    seconds: new Map([...report.seconds, ...later.seconds]),
  };
}

/** The files that a crashed process had not begun. */
function filesAfterCrash(group: readonly string[], { begun }: Report): string[] {
  const rest = group.filter((file) => !begun.some((name) => isNameOf(name, file)));
  return rest.length < group.length ? rest : [];
}

/**
 * Whether Deno's name of a file means this file. Deno names files relative to its working folder:
 * `./lib/rng_test.ts`, `../../tmp/x_test.ts`.
 */
function isNameOf(name: string, file: string): boolean {
  return file.endsWith(name.replace(/^(\.\.?\/)+/, "/"));
}

/** The path of a file below the project's folder. */
function shortName(file: string): string {
  return file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file;
}

/**
 * Runs modules of tests in one process.
 *
 * @param names What a message about the process calls them, if it ends before it begins a file.
 */
async function testProcess(
  modules: readonly string[],
  names: string,
  { write, signal, preload }: ProcessOptions,
): Promise<Report> {
  const before = preload === undefined ? [] : [`--preload=${preload}`];
  const child = spawn(["test", "-A", "--no-check", ...before, ...modules], signal);
  const report = await readReport(textLines(child.stdout), write);
  const { success, code, signal: killed } = await child.status;
  if (success || signal?.aborted) return report;
  if (report.complete && report.failed > 0) return report;
  const crashed = modules.length > 1 ? report.begun.at(-1) ?? names : names;
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
 * Checks the types of files. Returns the compiler's output if there are errors, else an empty text.
 */
export async function checkTypes(
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
