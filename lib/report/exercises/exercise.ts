/** Exercises in notebooks: a cell holds the reader's answer, and says whether it is right. */
import { escapeText } from "lib/report/draw/text.ts";
import { evaluationExercises } from "lib/report/exercises/evaluation_exercises.ts";
import { networkExercises } from "lib/report/exercises/network_exercises.ts";
import { trainingExercises } from "lib/report/exercises/training_exercises.ts";
import { show } from "lib/report/notebook/jupyter.ts";

const exercises = { ...networkExercises, ...trainingExercises, ...evaluationExercises };

/** Name of an exercise, which is that of the function it asks for. */
export type ExerciseName = keyof typeof exercises;

/** What the answer to an exercise has to be: a function of the same arguments. */
export type ExerciseAnswer<Name extends ExerciseName> = (typeof exercises)[Name]["solve"];

/** All exercises of a notebook, in the order of its cells. */
export function exercisesOf(notebook: string): ExerciseName[] {
  const names = Object.keys(exercises) as ExerciseName[];
  return names.filter((name) => exercises[name].notebook === notebook);
}

/**
 * Calls the reader's answer with a few examples and shows whether it is right; if not, for which
 * arguments, what it gave and what is right. A wrong answer, or one that throws, does not fail the
 * cell, so that a notebook with unsolved exercises runs to its end.
 *
 * @param name Which exercise: the name of the function that it asks for.
 * @throws {RangeError} If there is no such exercise.
 *
 * @example
 * ```ts
 * import { exercise } from "lib/report/mod.ts";
 *
 * const outputSide = (side: number, kernel: number, stride: number, padding: number) =>
 *   Math.floor((side + 2 * padding - kernel) / stride) + 1;
 * await exercise("outputSide", outputSide); // solved
 * ```
 */
export async function exercise<Name extends ExerciseName>(
  name: Name,
  answer: ExerciseAnswer<Name>,
): Promise<void> {
  const { solved, message } = judge(name, answer as (...values: never[]) => unknown);
  const mark = solved ? "solved" : "not yet";
  const colour = solved ? "#009E73" : "#E69F00";
  await show({
    "text/html": `<div style="border-left:4px solid ${colour};padding:2px 0 2px 10px">` +
      `<strong>${mark}</strong>: ${escapeText(message)}</div>`,
    "text/plain": `${mark}: ${message}`,
  });
}

/** Whether an answer is right for all examples, and a sentence that says so, or what is wrong. */
export function judge(
  name: string,
  answer: (...values: never[]) => unknown,
): { readonly solved: boolean; readonly message: string } {
  if (!Object.hasOwn(exercises, name)) {
    const names = Object.keys(exercises).join(", ");
    throw new RangeError(`Unknown exercise "${name}": there are ${names}`);
  }
  const { examples, solve, notebook } = exercises[name as ExerciseName];
  for (const values of examples as readonly (readonly never[])[]) {
    const call = `${name}(${values.map((value) => textOf(value)).join(", ")})`;
    const right = (solve as (...values: never[]) => unknown)(...values);
    const found = attempt(answer, values);
    if (equal(found, right)) continue;
    const gave = found instanceof Error ? `throws "${found.message}"` : `gives ${textOf(found)}`;
    const where = `a solution is in notebooks/solutions/${notebook}.ipynb`;
    return { solved: false, message: `${call} is ${textOf(right)}, yours ${gave}; ${where}` };
  }
  return { solved: true, message: `${name} is right for all ${examples.length} examples` };
}

/** What the answer gives for copies of the arguments, or the error that it throws. */
function attempt(answer: (...values: never[]) => unknown, values: readonly never[]): unknown {
  try {
    return answer(...structuredClone(values) as never[]);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const tolerance = 1e-5; // of the right number, or of 1 where that is smaller

function equal(found: unknown, right: unknown): boolean {
  if (Array.isArray(right)) {
    return Array.isArray(found) && found.length === right.length &&
      right.every((value, i) => equal(found[i], value));
  }
  if (typeof right !== "number") return found === right;
  const room = tolerance * Math.max(1, Math.abs(right));
  return typeof found === "number" && Math.abs(found - right) <= room; // false for NaN
}

/** Numbers with at most six digits, and lists of them. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(", ")}]`;
  if (typeof value !== "number") return String(value);
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(6)));
}
