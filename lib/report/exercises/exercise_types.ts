/** What an exercise consists of. */

/** An exercise that asks for a function. */
export interface Exercise<Values extends readonly unknown[], Result> {
  /** The notebook that asks it: `00_start`. */
  readonly notebook: string;
  /** A right answer. */
  readonly solve: (...values: Values) => Result;
  /** Arguments that answers are tried with. */
  readonly examples: readonly Values[];
}

/** Checks the types of an exercise's parts against each other. */
export function asks<Values extends readonly unknown[], Result>(
  notebook: string,
  solve: (...values: Values) => Result,
  ...examples: readonly Values[]
): Exercise<Values, Result> {
  return { notebook, solve, examples };
}
