/** Twenty steps by some methods, taken by several processes, and how their numbers compare. */
import type { TrainedStep } from "lib/ssl/method/train.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { together } from "./together.ts";

const program = "testing/distributed/twenty_steps.ts";

/** The steps of one method. */
export interface Steps {
  readonly steps: readonly TrainedStep[];
  /** Checksum of all weights at the end. */
  readonly state: string;
}

/** Takes steps by each method, in processes that must all have the same numbers. */
export async function takeSteps(size: number, ...methods: string[]): Promise<Steps[]> {
  const ended = await together(program, size, { args: methods });
  const outputs = ended.map(({ code, output, errors }): Steps[] => {
    assertEquals(code, 0, errors);
    return output.trim().split("\n").map((line) => JSON.parse(line));
  });
  for (const output of outputs) assertEquals(output, outputs[0]);
  return outputs[0]!;
}

/**
 * Asserts that several processes have the losses of one to 1e-5, and its other numbers to 1e-4; of
 * as many steps as they have taken.
 */
export function assertSameSteps(several: Steps, alone: Steps): void {
  const { steps } = several;
  const numbers = (of: readonly TrainedStep[], name: string) => of.map((step) => step[name]!);
  const expected = alone.steps.slice(0, steps.length);
  const losses = numbers(expected, "loss");
  assertTrue(Math.max(...losses) - Math.min(...losses) > 1e-2, "the loss changes");
  assertClose(numbers(steps, "loss"), losses, 1e-5);
  for (const name of Object.keys(steps[0]!)) {
    // A head that begins with a BatchNorm ignores what is added to all features alike. AdamW
    // divides the gradient of that, which is a rounding error, by its own size.
    const tolerance = name === "featureStd" ? 1e-3 : 1e-4;
    assertClose(numbers(steps, name), numbers(expected, name), tolerance);
  }
}
