/** Runs computations in steps (generators) to their end. */

/** Takes all steps, and returns the result. */
export function finish<T>(steps: Generator<unknown, T>): T {
  for (let step = steps.next();; step = steps.next()) if (step.done) return step.value;
}

/** Takes all steps, calls `each` with each, and returns the result. */
export async function drain<S, T>(
  steps: AsyncGenerator<S, T>,
  each: (step: S) => void = () => {},
): Promise<T> {
  for (let step = await steps.next();; step = await steps.next()) {
    if (step.done) return step.value;
    each(step.value);
  }
}

/**
 * `readsAt` of a loop whose state is compared after each step: on a GPU ten are taken before the
 * first one's numbers are read, unless the loop is told to read.
 */
export function eachStep(): boolean {
  return true;
}
