/** Evaluations whose features several processes compute: the results of one process, to the bit. */
import { inFolders, trainIn } from "lib/testing/distributed/disturbed_runs.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("k-NN and linear probe by several processes are those of one, in all of them", () =>
  inFolders(1, async (outputs) => {
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
    for (const size of [2, 3]) {
      for (const process of await evaluate(size)) assertEquals(process, alone);
    }
  }));
