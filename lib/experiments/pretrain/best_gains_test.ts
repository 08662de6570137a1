import type { ArmResult } from "./ablate.ts";
import { bestAgainstBest, type KernelGain } from "./kernel_gains.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

function gain(name: string, small: readonly number[], large: readonly number[]): KernelGain {
  const result = (knn: readonly number[]) => {
    return { name, knn, linear: knn.map((value) => value / 2) } as unknown as ArmResult;
  };
  const compared = { small: result(small), large: result(large), knn: [], linear: [] };
  return { axis: "rate", name, seeds: [0, 1], ...compared, mapSide: 10, steps: 100 };
}

const rates = [
  gain("0.002", [0.3, 0.34], [0.2, 0.22]),
  gain("0.004", [0.31, 0.31], [0.3, 0.36]),
  gain("0.008", [0.1, 0.1], [0.32, 0.3]),
];

Deno.test("bestAgainstBest() compares each size where its mean k-NN is best", () => {
  const best = bestAgainstBest(rates);
  assertEquals([best.small, best.large], [rates[0]!.small, rates[1]!.large]);
  assertClose(best.knn, [0, 0.02], 1e-9);
  assertClose(best.linear, [0, 0.01], 1e-9);
  assertEquals([best.axis, best.name, best.seeds], ["rate", "each its best", [0, 1]]);
});

Deno.test("bestAgainstBest() refuses settings that are not of one axis and the same seeds", () => {
  assertThrows(() => bestAgainstBest([]), RangeError, "current are none");
  const longer = { ...rates[0]!, axis: "length" };
  assertThrows(() => bestAgainstBest([rates[1]!, longer]), RangeError, "current are 0.004, 0.002");
  assertThrows(
    () => bestAgainstBest([rates[1]!, { ...rates[0]!, seeds: [0] }]),
    RangeError,
    "seeds",
  );
});
