/** Exercises in notebooks: a cell holds the reader's answer, and says whether it is right. */
import { escapeText } from "lib/report/draw/text.ts";
import { evaluationExercises } from "lib/report/exercises/evaluation_exercises.ts";
import { networkExercises } from "lib/report/exercises/network_exercises.ts";
import { trainingExercises } from "lib/report/exercises/training_exercises.ts";
import { show } from "lib/report/notebook/jupyter.ts";

const exercises = { ...networkExercises, ...trainingExercises, ...evaluationExercises };

/** A function of any exercise. */
export type ExerciseAnswer = (...values: never[]) => unknown;

/** All exercises of a notebook, in the order of its cells. */
export function exercisesOf(notebook: string): string[] {
  return Object.entries(exercises).filter(([, { notebook: asks }]) => asks === notebook)
    .map(([name]) => name);
}

/**
 * Calls the reader's answer with a few examples and shows whether it is right; if not, for which
 * arguments, what it gave and what is right. A wrong answer, or one that throws, does not fail the
 * cell, so that a notebook with unsolved exercises runs to its end.
 *
 * @param name Which exercise: the name of the function that it asks for.
 * @param answer A function of the arguments that the notebook names.
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
export async function exercise(name: string, answer: ExerciseAnswer): Promise<void> {
  const { solved, message } = judge(name, answer);
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
  answer: ExerciseAnswer,
): { readonly solved: boolean; readonly message: string } {
  if (!Object.hasOwn(exercises, name)) {
    const names = Object.keys(exercises).join(", ");
    throw new RangeError(`Unknown exercise "${name}": there are ${names}`);
  }
  const { examples, solve, notebook } = exercises[name as keyof typeof exercises];
  for (const values of examples as unknown as readonly (readonly never[])[]) {
    const call = `${name}(${values.map((value) => textOf(value)).join(", ")})`;
    const right = (solve as ExerciseAnswer)(...values);
    const found = attempt(answer, values);
    if (equal(found, right)) continue;
    const gave = found instanceof Error ? `throws "${found.message}"` : `gives ${textOf(found)}`;
    const where = `a solution is in notebooks/solutions/${notebook}.ipynb`;
    return { solved: false, message: `${call} is ${textOf(right)}, yours ${gave}; ${where}` };
  }
  return { solved: true, message: `${name} is right for all ${examples.length} examples` };
}

/** What the answer gives for copies of the arguments, or the error that it throws. */
function attempt(answer: ExerciseAnswer, values: readonly never[]): unknown {
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
