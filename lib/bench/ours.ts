/**
 * Our own process in `deno task bench:peers`; with the argument `bf16` it computes in bf16. It
 * answers the questions of `lib/bench/contender.ts`.
 */
import { countOps, type OpCounts } from "lib/tf_op.ts";
import * as tf from "lib/tf.ts";
import { nativeStatus } from "lib/native/mod.ts";
import type { BenchCase } from "./cases.ts";
import type { Sample, Totals } from "./contender.ts";
import { createSubject, type Workload } from "./subjects.ts";

type Question =
  | { readonly prepare: BenchCase }
  | { readonly sample: number }
  | { readonly finish: true };

const precision = Deno.args[0] === "bf16" ? "bf16" : undefined;

let subject: Workload | undefined;
let counts: OpCounts | undefined;

async function answer(question: Question): Promise<unknown> {
  if ("prepare" in question) return await prepare(question.prepare);
  if ("sample" in question) return await sample(question.sample);
  return finish();
}

async function prepare(next: BenchCase): Promise<number> {
  if (precision && !nativeStatus().bf16) throw new Error("this CPU does not multiply bf16");
  tf.disposeVariables();
  const run = subject = createSubject(next, precision);
  const seconds = await timed(run);
  const usesEngine = next.kind !== "augment" && next.kind !== "corruption";
  if (usesEngine) counts = countOps(() => void run());
  return seconds;
}

async function sample(atLeast: number): Promise<Sample> {
  if (!subject) throw new Error("Cannot take a sample: no case was prepared");
  const before = minorFaults();
  let [calls, seconds] = [0, 0];
  while (calls === 0 || seconds < atLeast) {
    seconds += await timed(subject);
    calls++;
  }
  return { seconds: seconds / calls, faults: (minorFaults() - before) / calls };
}

async function timed(run: Workload): Promise<number> {
  const began = performance.now();
  const done = run();
  if (done) await done; // without a promise, an await would only add the event loop's delay
  return (performance.now() - began) / 1000;
}

async function finish(): Promise<Totals> {
  subject = undefined;
  const ops = counts?.total ?? 0;
  counts = undefined;
  return { peakBytes: peakBytes(), notes: { ops, "µs an op": await overhead() } };
}

/**
 * Microseconds that one op takes on 8 × 8 numbers, where nearly all of it is the cost of the call.
 */
async function overhead(): Promise<number> {
  const x = tf.ones([8, 8]);
  const add = () => x.add(x).dispose();
  for (let i = 0; i < 500; i++) add();
  const seconds = await timed(() => {
    for (let i = 0; i < 2000; i++) add();
  });
  x.dispose();
  return 1e6 * seconds / 2000;
}

/**
 * Minor page faults of this process, as Linux counts them in field 10 of `/proc/self/stat`; NaN on
 * other systems.
 */
function minorFaults(): number {
  const text = readProc("stat");
  return text === undefined ? NaN : Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[7]);
}

function peakBytes(): number | null {
  const kilobytes = /VmHWM:\s*(\d+) kB/.exec(readProc("status") ?? "")?.[1];
  return kilobytes === undefined ? null : 1024 * Number(kilobytes);
}

function readProc(name: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/self/${name}`);
  } catch {
    return undefined;
  }
}

async function serve(): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of Deno.stdin.readable) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    for (const line of lines) console.log(JSON.stringify(await reply(line)));
  }
}

async function reply(line: string): Promise<object> {
  try {
    return { value: await answer(JSON.parse(line)) ?? null };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

if (import.meta.main) await serve();
