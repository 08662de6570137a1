/**
 * A run of three processes. Twenty times, one of them is killed or stopped at a random moment: while
 * they start, find each other, train, measure or save. Whatever the moment, nothing that was saved is
 * lost, and the run ends with the bits of an undisturbed one.
 */
import { listCheckpoints } from "lib/runs/checkpoints.ts";
import { createRng } from "lib/rng.ts";
import { readTrainingState } from "lib/weights/training_state.ts";
import {
  inFolders,
  lastCheckpoint,
  type Start,
  trainIn,
} from "lib/testing/distributed/disturbed_runs.ts";
import type { EndedProcess } from "lib/testing/distributed/together.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const size = 3;
const rounds = 20;
/** Steps that each round adds to the run, if it is not disturbed. */
const stepsInRound = 4;
const wholeRun = ["--epochs", `${rounds}`];

/** A moment of a round, and what happens then. */
interface Blow {
  readonly rank: number;
  readonly signal: "SIGKILL" | "SIGSTOP";
  /** Milliseconds after the start. */
  readonly after: number;
}

/** @param duration Of a round without a blow, in milliseconds. */
function blows(duration: number): Blow[] {
  const rng = createRng(20).fork("blows");
  return Array.from({ length: rounds }, (_, i) => ({
    rank: rng.int(size),
    signal: i % 2 === 0 ? "SIGKILL" : "SIGSTOP",
    after: rng.uniform(0, duration),
  }));
}

/**
 * Strikes one process. One that is stopped is killed when the others have ended; a process that has
 * ended before the blow is left alone.
 */
function strike({ rank, signal, after }: Blow): NonNullable<Start["meanwhile"]> {
  return async (processes) => {
    const victim = processes[rank]!;
    await new Promise((done) => setTimeout(done, after));
    send(victim, signal);
    await Promise.all(processes.filter((other) => other !== victim).map(({ status }) => status));
    if (signal === "SIGSTOP") send(victim, "SIGKILL");
  };
}

function send(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended
  }
}

/** A process has taken its steps, or says which one it lost, or was struck itself. */
function checkEnd({ code, output, errors }: EndedProcess, rank: number, blow: Blow): void {
  if (code === 0 || (code === 137 && rank === blow.rank)) return;
  const names = new RegExp(
    `^Cannot (go on without|begin:) process(es)? .*\\b${blow.rank} \\(`,
    "m",
  );
  assertTrue(code === 1 && names.test(output), `${rank}: ${code} ${output}${errors}`);
}

/** The step of the newest checkpoint, which must be whole; 0 if there is none yet. */
function savedStep(outputs: string): number {
  const [run] = [...Deno.readDirSync(outputs)];
  const newest = run && listCheckpoints(`${outputs}/${run.name}`)[0];
  if (newest === undefined) return 0;
  readTrainingState(newest.path);
  return newest.step;
}

Deno.test("twenty SIGKILLs and SIGSTOPs at any moments lose nothing and change no bit", () =>
  inFolders(2, async (quiet, disturbed) => {
    const began = performance.now();
    await trainIn(quiet!).train(size, [...wholeRun, "--until", `${stepsInRound}`]);
    const duration = performance.now() - began;
    const { result: expected } = await trainIn(quiet!).train(size, wholeRun);
    assertEquals([expected.step, expected.finished], [rounds * stepsInRound, true]);

    const { start, train } = trainIn(disturbed!);
    let saved = 0;
    for (const [i, blow] of blows(duration).entries()) {
      const until = ["--until", `${(i + 1) * stepsInRound}`, "--start-seconds", "20"];
      const ended = await start(size, [...wholeRun, ...until], { meanwhile: strike(blow) });
      ended.forEach((end, rank) => checkEnd(end, rank, blow));
      const now = savedStep(disturbed!);
      assertTrue(now >= saved, `step ${saved} was saved, then ${now}`);
      saved = now;
    }
    const { result } = await train(size, wholeRun);
    assertEquals(result, expected);
    assertEquals(lastCheckpoint(disturbed!, result), lastCheckpoint(quiet!, expected));
  }));
