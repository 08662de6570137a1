import type { ArmResult } from "./ablate.ts";
import { bestAgainstBest, type KernelGain, networkGains } from "./kernel_gains.ts";
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

Deno.test("networkGains() compares each network with the first", () => {
  const result = (name: string, knn: readonly number[], kernelSize?: number) =>
    ({
      ...{ name, family: name, kernelSize, knn, linear: knn.map((value) => value / 2) },
      seeds: knn.map((_, seed) => seed),
    }) as unknown as ArmResult;
  const small = result("BC-SSL, 3×3", [0.2, 0.3], 3);
  const others = [result("BC-SSL, 9×9", [0.25, 0.3], 9), result("SLaK", [0.1, 0.1])];
  const place = { axis: "networks", mapSide: 10, steps: 100 };
  const gains = networkGains([small, ...others], place);
  assertEquals(gains.map(({ name, small }) => [name, small.name]), [
    ["9×9", "BC-SSL, 3×3"],
    ["SLaK", "BC-SSL, 3×3"],
  ]);
  assertClose(gains[0]!.knn, [0.05, 0], 1e-9);
  assertClose(gains[1]!.linear, [-0.05, -0.1], 1e-9);
  assertEquals([gains[1]!.axis, gains[1]!.steps, gains[1]!.seeds], ["networks", 100, [0, 1]]);
  assertThrows(
    () => networkGains([small], place),
    RangeError,
    "current are BC-SSL, 3×3 with [0,1]",
  );
  assertThrows(
    () => networkGains([small, result("SLaK", [1])], place),
    RangeError,
    "SLaK with [0]",
  );
});
