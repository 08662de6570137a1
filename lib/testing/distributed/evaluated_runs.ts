/** Evaluations of a run whose features several processes compute. */
import { assertEquals } from "lib/testing/assert.ts";
import { inFolders, trainIn } from "./disturbed_runs.ts";

/** Asserts that k-NN and linear probe by some processes are those of one, to the bit, in all of them. */
export async function assertEvaluatesAlike(processes: number): Promise<void> {
  await inFolders(1, async (outputs) => {
    const { start, train } = trainIn(outputs!);
    await train(1);
    const evaluate = async (size: number) => {
      const ended = await start(size, ["--evaluate"]);
      return ended.map(({ code, output, errors }) => {
        assertEquals(code, 0, output + errors);
        return JSON.parse(output.trim().split("\n").at(-1)!);
      });
    };
    const [alone] = await evaluate(1);
    const [knn, probe, heldOut, augmented, pixels] = alone.all;
    assertEquals(knn.accuracies.map(({ k }: { k: number }) => k), [10, 20, 100, 200]);
    assertEquals([probe, heldOut, augmented, pixels].map(({ of }) => of), [
      ...["teacher", "teacher", "teacher", "pixels"],
    ]);
    assertEquals(alone.again, [knn, probe]);
    for (const process of await evaluate(processes)) assertEquals(process, alone);
  });
}
