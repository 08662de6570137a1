/**
 * `deno task test [--fast | --all] [--times] [--engine webgpu] [path…]`: sets up what is missing,
 * runs the tests in a process for each core and one more, and ends with `N passed, N failed`.
 */
import { root } from "lib/setup/install/project.ts";
import { setUp } from "./setup.ts";
import { readArguments } from "lib/task_arguments.ts";
import { quietDrivers } from "lib/tf_device.ts";
import { main } from "./task.ts";
import { add, closingLine, none, type TestCounts } from "./test_output.ts";
import { checkTypes, testApart, testTogether } from "./test_process.ts";
import {
  findTests,
  groupTests,
  isDeep,
  isLongOnWebGpu,
  isSlow,
  mostlyWaits,
  usesEngine,
} from "./test_plan.ts";

export interface TestOptions {
  /** Leaves out files named `x_slow_test.ts` and `x_deep_test.ts`. */
  readonly fast?: boolean;
  /** Also runs files named `x_deep_test.ts`, as is done for paths that are given. */
  readonly all?: boolean;
  /** Prints the files that took longest, each run in a module of its own. */
  readonly times?: boolean;
  /**
   * Runs on WebGPU the fast tests that use the engine, and skips those that cannot run there; see
   * lib/testing/gpu/webgpu_tests.ts. With `fast`, leaves out files that take long there.
   */
  readonly engine?: "webgpu";
  /** Whether types are checked; by default, they are. */
  readonly types?: boolean;
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
 * environment variables. (`deno test --parallel` uses one process.) Short files share a process, and
 * in it a module. Files whose tests mostly wait run one after the other in one process more, which then
 * takes its share of the rest. A process that crashes counts as a failure of the file that it was
 * running. Types are checked once, at the same time as the first tests; if the check fails, that is
 * one failure, and no further file begins.
 *
 * @throws {Error} If there is nothing at one of the paths, or no WebGPU where it is asked for.
 */
export async function runTests(
  paths: readonly string[] = [],
  options: TestOptions = {},
): Promise<TestRun> {
  const { fast = false, all = paths.length > 0, times = false, types = true } = options;
  const { workers = workerCount(), write = toTerminal } = options;
  const found = await findTests(paths.length > 0 ? paths : ["lib"], root);
  const files = options.engine === "webgpu"
    ? await filesForWebGpu(found, fast, write)
    : found.filter((file) => !(fast && isSlow(file)) && (all || !isDeep(file)));
  const queue = groupTests(files.filter((file) => !mostlyWaits(file)));
  const waiting = groupTests(files.filter(mostlyWaits));
  const failures: string[] = [];
  const seconds = new Map<string, number>();
  const test = times ? testApart : testTogether; // a module does not say when its files begin
  const preload = options.engine === "webgpu" ? webGpuPreload : undefined;
  let counts = none;
  const take = async (queue: string[][]) => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      const report = await test(group, { write, signal: options.signal, preload });
      counts = add(counts, report);
      for (const [file, taken] of report.seconds) seconds.set(file, taken);
      failures.push(...report.failures);
      if (options.signal?.aborted) return;
    }
  };
  const check = async () => {
    const complaint = types ? await checkTypes(found, options.signal) : "";
    if (complaint === "" || options.signal?.aborted) return;
    write(complaint);
    failures.push("types do not check: see above");
    counts = add(counts, { ...none, failed: 1 });
    queue.length = waiting.length = 0;
  };
  const others = Array.from({ length: Math.max(workers, 1) - 1 }, () => take(queue));
  const beside = take(waiting).then(() => take(queue));
  await Promise.all([check().then(() => take(queue)), ...others, beside]);
  if (times) write(slowest(seconds));
  return { ...counts, failures };
}

const webGpuPreload = `${root}/lib/testing/gpu/webgpu_tests.ts`;

/**
 * The fast files among these that use the engine.
 *
 * @param short Whether to leave out those that take long on WebGPU in software.
 * @throws {Error} If this machine has no adapter.
 */
async function filesForWebGpu(
  files: readonly string[],
  short: boolean,
  write: (text: string) => void,
): Promise<string[]> {
  if (!await hasWebGpu()) {
    throw new Error(
      "Cannot test on WebGPU: no adapter on this machine; Debian's mesa-vulkan-drivers is one in " +
        "software",
    );
  }
  const fast = files.filter((file) => !isSlow(file));
  const uses = await Promise.all(fast.map((file) => usesEngine(file, root)));
  const using = fast.filter((_, i) => uses[i]);
  const taken = using.filter((file) => !(short && isLongOnWebGpu(file)));
  const unused = fast.length - using.length;
  if (unused > 0) write(`${unused} of ${fast.length} files do not use the engine: left out\n`);
  const long = using.length - taken.length;
  if (long > 0) write(`${long} files take long on WebGPU: left out, as --fast says\n`);
  return taken;
}

async function hasWebGpu(): Promise<boolean> {
  quietDrivers();
  return await navigator.gpu?.requestAdapter() != null;
}

/**
 * One process for each core and one more, since notebooks wait between their cells. Each process
 * may take 2 GiB.
 */
function workerCount(): number {
  const { total } = Deno.systemMemoryInfo();
  return Math.max(1, Math.min(navigator.hardwareConcurrency + 1, Math.floor(total / 2 ** 31)));
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
      {
        fast: { type: "boolean" },
        all: { type: "boolean" },
        times: { type: "boolean" },
        engine: { type: "string" },
      },
      { positionals: true },
    );
    const { engine } = values;
    if (engine !== undefined && engine !== "webgpu") {
      throw new RangeError(
        `Cannot test on the engine "${engine}": give --engine webgpu; without it, all tests run on TensorFlow`,
      );
    }
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
    const options: TestOptions = { ...values, engine, signal: stop.signal };
    const run = await runTests(positionals, options);
    if (code !== undefined) Deno.exit(code);
    showResult(run);
    Deno.exit(run.failed > 0 ? 1 : 0); // the listeners would keep the process
  });
}
