/**
 * A contender is a process that runs the cases: our own, or PyTorch in one of its modes (eager,
 * compiled, bf16). It waits idle while another contender works.
 */
import type { BenchCase } from "./cases.ts";

/** The mean cost of a few calls in a row. */
export interface Sample {
  /** Wall time of one call, in seconds. */
  readonly seconds: number;
  /** Minor page faults of one call: how often the system had to hand out a new page of memory. */
  readonly faults: number;
}

/** The figures that a process reports when a case ends. */
export interface Totals {
  /**
   * Largest resident memory since the process began, in bytes; null where the system has no such
   * count.
   */
  readonly peakBytes: number | null;
  /** Other figures, by name: the number of ops, the overhead of one. Empty for PyTorch. */
  readonly notes: Readonly<Record<string, number>>;
}

export interface Contender {
  readonly name: string;
  /**
   * Makes the case's inputs and calls it once. A contender that compiles does so before.
   *
   * @returns Duration of the call in seconds.
   * @throws {Error} If the process cannot do this case, or is gone.
   */
  prepare(subject: BenchCase): Promise<number>;
  /** Repeats the call for at least so many seconds, and at least once. */
  sample(seconds: number): Promise<Sample>;
  /** Ends the case and frees its inputs. */
  finish(): Promise<Totals>;
  /** Ends the process. */
  close(): Promise<void>;
}

/**
 * Seconds without an answer after which the process is killed: `torch.compile` alone takes minutes.
 */
const patience = 900;

/**
 * Starts a process that answers each JSON line on its input with one on its output: `{"value": …}`
 * or `{"error": "…"}`. Other lines on its output are the log of some library, and are ignored.
 */
export function startContender(
  name: string,
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Contender {
  const child = new Deno.Command(program, {
    args,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lastErrorLine = lastLineOf(child.stderr);
  const input = child.stdin.getWriter();
  const answers = answersIn(child.stdout);
  const ask = async <T>(question: object): Promise<T> => {
    const line = new TextEncoder().encode(JSON.stringify(question) + "\n");
    await input.write(line).catch(() => {}); // it has ended: reading the answer will say so
    const answer = await orPatience(answers.next(), () => child.kill("SIGKILL"));
    if (answer.done) {
      throw new Error(`its process ended: ${await lastErrorLine || "no reason given"}`);
    }
    if (answer.value.error !== undefined) throw new Error(String(answer.value.error));
    return answer.value.value as T;
  };
  return {
    name,
    prepare: (subject) => ask({ prepare: subject }),
    sample: (seconds) => ask({ sample: seconds }),
    finish: () => ask({ finish: true }),
    async close() {
      await input.close().catch(() => {});
      await child.status;
    },
  };
}

type Answer = { readonly value?: unknown; readonly error?: unknown };

async function* answersIn(stream: ReadableStream<Uint8Array>): AsyncGenerator<Answer> {
  for await (const line of linesOf(stream)) if (line.startsWith("{")) yield JSON.parse(line);
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest) yield rest;
}

/** The last line that a process writes to its error output, for an error message. */
async function lastLineOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let last = "";
  for await (const line of linesOf(stream)) if (line.trim()) last = line.trim();
  return last;
}

async function orPatience<T>(answer: Promise<T>, giveUp: () => void): Promise<T> {
  const timer = setTimeout(giveUp, 1000 * patience);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}
