/** A process that runs cases: ours, or one of PyTorch's ways. It waits, idle, while another works. */
import type { BenchCase } from "lib/bench/cases.ts";

/** Some calls in a row. */
export interface Sample {
  /** Wall time of one call, in seconds. */
  readonly seconds: number;
  /** Minor page faults of one call: memory that the system handed out anew. */
  readonly faults: number;
}

/** What a process says when a case ends. */
export interface Totals {
  /** Largest resident memory since the process began, in bytes; null where the system does not tell. */
  readonly peakBytes: number | null;
  /** What is known of its work besides time; empty for PyTorch. */
  readonly notes: Readonly<Record<string, number>>;
}

export interface Contender {
  readonly name: string;
  /**
   * Makes the case's inputs and calls it once, after having compiled it if that is its way.
   *
   * @returns Seconds that the call took.
   * @throws {Error} If the process cannot do this case, or is gone.
   */
  prepare(subject: BenchCase): Promise<number>;
  /** Calls for at least so many seconds, and at least once. */
  sample(seconds: number): Promise<Sample>;
  /** Forgets the case. */
  finish(): Promise<Totals>;
  /** Ends the process. */
  close(): Promise<void>;
}

/** Seconds after which a silent process is given up: `torch.compile` alone takes minutes. */
const patience = 900;

/**
 * Starts a process that answers each JSON line on its input with one on its output: `{"value": …}` or `{"error": "…"}`.
 * Lines that are not an object are somebody's log and are passed over.
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
  const complaint = lastLines(child.stderr);
  const input = child.stdin.getWriter();
  const answers = answersIn(child.stdout);
  const ask = async <T>(question: object): Promise<T> => {
    const line = new TextEncoder().encode(JSON.stringify(question) + "\n");
    await input.write(line).catch(() => {}); // it is gone: no answer will come either
    const answer = await orPatience(answers.next(), () => child.kill("SIGKILL"));
    if (answer.done) throw new Error(`its process ended: ${await complaint || "no reason given"}`);
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

/** The end of what a process complains of, for an error message. */
async function lastLines(stream: ReadableStream<Uint8Array>): Promise<string> {
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
