/** Runs notebooks without a browser in the project's kernel, and loses no output. */
import { fileURLToPath } from "node:url";
import {
  type KernelMessage,
  type Output,
  OutputCollector,
} from "lib/setup/notebooks/cell_outputs.ts";
import { jsonLines } from "lib/setup/notebooks/json_lines.ts";
import { codeCells, type Notebook } from "lib/setup/notebooks/notebook.ts";
import {
  jupyterEnv,
  kernelName,
  notebookMetadata,
  notebooksDir,
  python,
} from "lib/setup/install/project.ts";

/** How a cell ended. `dead`: the kernel is gone. `timeout`: it ran longer than was allowed. */
export type CellStatus = "ok" | "error" | "dead" | "timeout";

export interface CellResult {
  /** Index of the cell among the given sources, from 0. */
  readonly index: number;
  readonly status: CellStatus;
  readonly outputs: readonly Output[];
  readonly seconds: number;
  readonly executionCount: number | null;
  /** For `error`, one line: name and message. */
  readonly error?: string;
}

export interface RunOptions {
  /** The kernel's folder; by default `notebooks/`. */
  readonly cwd?: string;
  /** Added to the kernel's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Longest time a cell may take, in seconds; by default, any. */
  readonly timeoutSeconds?: number;
  /**
   * Aborting interrupts the kernel (SIGINT) and ends after the running cell; aborting `kill` ends
   * it at once.
   */
  readonly signal?: AbortSignal;
  readonly kill?: AbortSignal;
  readonly onStart?: (index: number) => void;
  /** Each thing the kernel publishes, as it comes. */
  readonly onMessage?: (message: KernelMessage) => void;
  readonly onDone?: (result: CellResult) => void;
}

type Event =
  | { event: "ready" }
  | { event: "start"; index: number }
  | { event: "message"; index: number; type: string; content: KernelMessage["content"] }
  | {
    event: "done";
    index: number;
    status: CellStatus;
    // deno-lint-ignore no-explicit-any -- Jupyter's execute_reply
    reply: any;
    seconds: number;
  }
  | { event: "end"; interrupted: boolean };

/** A kernel that runs lists of cells, one list after the other. Disposing of it ends the kernel. */
export interface Kernel extends AsyncDisposable {
  /**
   * Runs cells in order, up to the first that fails.
   *
   * @returns A result for each cell that ran: fewer than `sources` after a failure or an interrupt.
   * @throws {Error} If the kernel does not start.
   */
  run(sources: readonly string[]): Promise<CellResult[]>;
}

/** Starts a kernel. */
export function openKernel(options: RunOptions = {}): Kernel {
  const child = new Deno.Command(python, {
    args: [fileURLToPath(new URL("run_cells.py", import.meta.url))],
    env: { ...jupyterEnv(), ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const stdin = child.stdin.getWriter();
  const say = (line: string) => void stdin.write(new TextEncoder().encode(line + "\n")).catch(noop);
  say(JSON.stringify({
    kernel: kernelName,
    cwd: options.cwd ?? notebooksDir,
    silence: 0.25,
    timeout: options.timeoutSeconds ?? null,
  }));
  const stop = onAbort(options.signal, () => say("interrupt"));
  const kill = onAbort(options.kill, () => say("kill"));
  const events = jsonLines(child.stdout) as AsyncGenerator<Event>;
  return {
    run(sources) {
      say(JSON.stringify(sources));
      return collect(events, options);
    },
    async [Symbol.asyncDispose]() {
      stop();
      kill();
      await stdin.close().catch(noop); // the kernel ends with its standard input
      await Array.fromAsync(events).catch(noop); // what it still says, which nobody waits for
      await child.status;
    },
  };
}

/** Runs cells in one fresh kernel, as {@linkcode Kernel.run}. */
export async function runCells(
  sources: readonly string[],
  options: RunOptions = {},
): Promise<CellResult[]> {
  await using kernel = openKernel(options);
  return await kernel.run(sources);
}

/** Reads events up to the end of a list of cells. */
async function collect(
  events: AsyncGenerator<Event>,
  options: RunOptions,
): Promise<CellResult[]> {
  const collector = new OutputCollector();
  const results: CellResult[] = [];
  let outputs: Output[] = [];
  let begun = false;
  for (;;) {
    const { value: event, done } = await events.next();
    if (done && begun) return results; // it was killed
    if (done) throw new Error('Cannot start the kernel: run "deno task doctor" to see why');
    if (event.event === "start") {
      begun = true;
      outputs = collector.startCell();
      options.onStart?.(event.index);
    } else if (event.event === "message") {
      collector.add(event);
      options.onMessage?.(event);
    } else if (event.event === "done") {
      const { index, status, reply, seconds } = event;
      const error = status === "ok" ? {} : { error: describe(status, reply, options) };
      const executionCount = reply?.execution_count ?? null;
      results.push({ index, status, outputs, seconds, executionCount, ...error });
      options.onDone?.(results.at(-1)!);
    } else if (event.event === "end") return results;
  }
}

function describe(
  status: CellStatus,
  reply: { ename?: string; evalue?: string } | null,
  { signal, kill }: RunOptions,
): string {
  if (status === "error") return `${reply?.ename}: ${reply?.evalue}`;
  if (status === "timeout") return "the cell ran longer than allowed";
  const wasStopped = signal?.aborted || kill?.aborted;
  return wasStopped ? "interrupted, and the kernel ended with it" : "the kernel died";
}

/**
 * Runs a notebook's code cells `passes` times in one kernel; results of later passes follow the
 * first's.
 *
 * @param options.kernel The kernel; by default, a fresh one with these options.
 */
export async function runNotebook(
  notebook: Notebook,
  { passes = 1, kernel, ...options }: RunOptions & {
    readonly passes?: number;
    readonly kernel?: Kernel;
  } = {},
): Promise<CellResult[]> {
  const cells = codeCells(notebook).map(({ source }) => source);
  const sources = Array.from({ length: passes }, () => cells).flat();
  return await (kernel ? kernel.run(sources) : runCells(sources, options));
}

/**
 * A copy of the notebook with these outputs, as of the project's kernel; cells that did not run
 * have none.
 */
export function withOutputs(notebook: Notebook, results: readonly CellResult[]): Notebook {
  const byIndex = new Map(codeCells(notebook).map(({ index }, n) => [index, results[n]]));
  const cells = notebook.cells.map((cell, index) => {
    if (cell.cell_type !== "code") return cell;
    const result = byIndex.get(index);
    const outputs = [...(result?.outputs ?? [])];
    return { ...cell, outputs, execution_count: result?.executionCount ?? null };
  });
  return { ...notebook, metadata: { ...notebook.metadata, ...notebookMetadata }, cells };
}

/**
 * Calls `run` when the signal aborts, at once if it has aborted already. @returns A function that
 * undoes this.
 */
function onAbort(signal: AbortSignal | undefined, run: () => void): () => void {
  if (signal?.aborted) run();
  signal?.addEventListener("abort", run);
  return () => signal?.removeEventListener("abort", run);
}

function noop(): void {}
