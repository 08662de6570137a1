import { constantRng, createRng } from "lib/rng.ts";
import { table5 } from "lib/paper/mod.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { type ConvNeXtConfig } from "lib/models/convnext/convnext.ts";
import { bcSslConfig, convNeXtConfig, createModel, type ModelConfig } from "lib/models/mod.ts";
import { summarize, totalCost } from "lib/models/summary.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const tiny: ConvNeXtConfig = {
  ...bcSslConfig("atto", { kernelSize: 5 }),
  depths: [1, 2],
  dims: [8, 16],
};

Deno.test("summarize() adds up what the layers did, module by module", () => {
  const model = createModel(tiny, createRng(0), { numClasses: 10 });
  const rows = summarize(model, { imageSize: 32, depth: 3 });
  const row = (name: string) => rows.find((candidate) => candidate.name === name)!;
  // An 8×8 map of 8 channels: a 5×5 depthwise convolution and two linear layers of ratio 4.
  assertEquals(row("stages.0.0").multiplyAdds, 64 * 8 * 25 + 2 * 64 * 8 * 32);
  // Kernel; BatchNorm and LayerNorm; two linear layers with bias; layer scale.
  assertEquals(row("stages.0.0").parameters, 8 * 25 + 4 * 8 + (8 * 32 + 32) + (32 * 8 + 8) + 8);
  assertEquals(row("stages.0.0").depthwise, 64 * 8 * 25);
  assertEquals(row("stages.0.0").outputShape, [8, 8, 8]);
  const block = 16 * 16 * 25 + 2 * 16 * 16 * 64;
  assertEquals(row("stages.1").multiplyAdds, 2 * block);
  assertEquals(row("downsample_layers.0").multiplyAdds, 64 * 48 * 8);
  assertEquals(row("head").multiplyAdds, 160);
  const parts = rows.filter(({ name }) => /^(stages|downsample_layers|norm|head)$/.test(name));
  const whole = rows.at(-1)!;
  assertEquals(whole.name, "");
  for (const key of ["parameters", "multiplyAdds", "depthwise"] as const) {
    assertEquals(parts.reduce((sum, part) => sum + part[key], 0), whole[key]);
  }
  assertEquals(totalCost(model, 32), whole);
  assertThrows(() => summarize(model, { imageSize: 4 }), RangeError, "8 a side");
  assertTrue(totalCost(model, 64).multiplyAdds > whole.multiplyAdds, "counts after an error too");
});

/** Billions of multiply–adds and millions of weights at 224, with a classifier of 1,000 classes. */
function costs(config: ModelConfig): { gigaFlops: number; millionParameters: number } {
  const model = createModel(config, constantRng(), { numClasses: 1000 });
  const { multiplyAdds, parameters } = totalCost(model, 224);
  disposeTree(model.params);
  return { gigaFlops: multiplyAdds / 1e9, millionParameters: parameters / 1e6 };
}

Deno.test("BC-SSL-T costs what Table 5 prints", () => {
  const printed = table5.rows.filter(({ arch, epochs }) => arch === "BC-SSL-T" && epochs === 100);
  for (const { kernelSize, gigaFlops, millionParameters } of printed) {
    const ours = costs(bcSslConfig("tiny", { kernelSize: kernelSize! }));
    assertEquals(Math.round(ours.millionParameters), millionParameters, `${kernelSize}`);
    if (gigaFlops !== null) {
      assertEquals(ours.gigaFlops.toFixed(1), `${gigaFlops}`, `${kernelSize}`);
    }
  }
});

Deno.test("ConvNeXt-T costs the 4.5 billion multiply–adds of its paper", () => {
  assertEquals(costs(convNeXtConfig("tiny")).gigaFlops.toFixed(1), "4.5");
});
