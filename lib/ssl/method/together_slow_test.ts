/** Training with several processes: the numbers are those of one process with the whole batch. */
import type { TrainedStep } from "./train.ts";
import { together } from "lib/testing/distributed/together.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

const program = "testing/distributed/twenty_steps.ts";

interface Steps {
  readonly steps: readonly TrainedStep[];
  /** Checksum of all weights at the end. */
  readonly state: string;
}

/** Takes twenty steps by each method, in processes that must all have the same numbers. */
async function take(size: number, ...methods: string[]): Promise<Steps[]> {
  const ended = await together(program, size, { args: methods });
  const outputs = ended.map(({ code, output, errors }): Steps[] => {
    assertEquals(code, 0, errors);
    return output.trim().split("\n").map((line) => JSON.parse(line));
  });
  for (const output of outputs) assertEquals(output, outputs[0]);
  return outputs[0]!;
}

Deno.test("several processes have the losses of one: by each method with BC-SSL, of a ResNet, in micro-batches", async () => {
  const compare = ["simclr", "mocov3", "swav"]; // the images of a batch
  const methods = [...compare, "dino", "byol", "moby", "esvit", "resnet", "dino/2"];
  const alone = await take(1, ...methods);
  for (const together of [await take(2, ...methods), await take(3, ...compare, "dino")]) {
    together.forEach(({ steps }, i) => {
      const numbers = (of: readonly TrainedStep[], name: string) => of.map((step) => step[name]!);
      const expected = alone[i]!.steps;
      const losses = numbers(expected, "loss");
      assertEquals(losses.length, 20);
      assertTrue(Math.abs(losses.at(-1)! - losses[0]!) > 1e-2, "the loss changes");
      assertClose(numbers(steps, "loss"), losses, 1e-5);
      for (const name of Object.keys(steps[0]!)) {
        // A head that begins with a BatchNorm ignores what is added to all features alike. AdamW
        // divides the gradient of that, which is a rounding error, by its own size.
        const tolerance = name === "featureStd" ? 1e-3 : 1e-4;
        assertClose(numbers(steps, name), numbers(expected, name), tolerance);
      }
    });
  }
});

Deno.test("two runs of two processes are equal to the bit", async () => {
  assertEquals(await take(2, "dino", "simclr"), await take(2, "dino", "simclr"));
});
