import { resNetConfig, vitConfig } from "lib/models/mod.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { sharedOutputs } from "lib/testing/outputs.ts";
import { ablate } from "./ablate.ts";
import { deepMapSide, kernelGains } from "./kernel_gains.ts";

Deno.test("deepMapSide() is the side of the map on which most blocks work", () => {
  assertEquals(deepMapSide(resNetConfig(50), 224), 14); // 3, 4, 6 and 3 blocks
  assertEquals(deepMapSide(vitConfig("small"), 224), 14);
  const stages = { ...resNetConfig(50), depths: [1, 3, 1, 1] };
  assertEquals(deepMapSide(stages, 80), 10);
});

Deno.test("kernelGains() is the difference of two arms seed by seed, in each setting", () =>
  sharedOutputs()(async () => {
    const scale = "smoke";
    const change = { recipe: { lr: 0.002 } } as const;
    const [plain, slower] = await kernelGains([
      { axis: "rate", name: "0.004", seeds: [0, 1] },
      { axis: "rate", name: "0.002", change, seeds: [1] },
    ], { scale });
    assertEquals([plain!.axis, plain!.name, plain!.mapSide], ["rate", "0.004", 10]);
    assertEquals(plain!.steps, 4);
    const arms = [3, 9].map((kernelSize) =>
      ({ arch: "convnext", kernelSize, batchNorm: true }) as const
    );
    const [small, large] = await ablate(arms, { scale, seeds: [0, 1] });
    assertEquals([plain!.small, plain!.large], [small!, large!]);
    assertEquals(plain!.knn, [0, 1].map((i) => large!.knn[i]! - small!.knn[i]!));
    assertEquals(plain!.linear, [0, 1].map((i) => large!.linear[i]! - small!.linear[i]!));
    assertEquals(slower!.seeds, [1]);
    assertEquals(slower!.small.runs[0] === plain!.small.runs[1], false);
  }));
