import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createModel, iGptConfig, intermediates, summarize } from "lib/models/mod.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { withPlainOps } from "lib/native/mod.ts";
import { causalBias, codesOf, positionColours } from "lib/models/igpt/igpt_codes.ts";
import { type IGptParams, runIGpt } from "lib/models/igpt/igpt.ts";
import type { IGptConfig } from "lib/models/igpt/igpt_configs.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { fillByFormula, formulaImage } from "lib/testing/formula.ts";

const config: IGptConfig = {
  ...iGptConfig("nano"),
  embedDim: 12,
  depth: 3,
  imageSize: 12,
  colours: 7,
  featureBlock: 1,
}; // 36 positions

function filled(masked: boolean): IGptParams {
  const model = createModel({ ...config, masked }, createRng(0));
  fillByFormula(model.params);
  return model.params as IGptParams;
}

/** The tokens of one sequence of colours, `[N, C]`. */
function tokensOf(codes: number[], params: IGptParams, masked: boolean): number[][] {
  return tf.tidy(() => {
    const { tokens } = runIGpt(tf.tensor2d([codes], undefined, "int32"), params, {
      ...config,
      masked,
    });
    return tokens.arraySync()[0]!;
  });
}

/** Positions whose token differs after the colour of position `at` has changed. */
function changedBy(at: number, masked: boolean): number[] {
  const params = filled(masked);
  const codes = Array.from({ length: 36 }, (_, i) => (5 * i) % 7);
  const before = tokensOf(codes, params, masked);
  const after = tokensOf(codes.with(at, (codes[at]! + 1) % 7), params, masked);
  return before.flatMap((token, i) => token.some((x, c) => x !== after[i]![c]) ? [i] : []);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

for (const [what, run] of [["native", (f: () => void) => f()], ["plain", withPlainOps]] as const) {
  Deno.test(`${what}: a colour changes no token up to its own position, and all later ones`, () => {
    run(() => {
      for (const at of [0, 1, 17, 34]) assertEquals(changedBy(at, false), range(at + 1, 36));
      assertEquals(changedBy(35, false), []);
    });
  });
}

Deno.test("in a masked network, a colour changes all tokens, and a hidden one changes none", () => {
  assertEquals(changedBy(17, true), range(0, 36));
  const params = filled(true);
  const masked = { ...config, masked: true };
  const kept = tf.tensor2d([range(0, 36).map((i) => i === 17 ? 0 : 1)]);
  const [one, other] = [3, 4].map((colour) => {
    const codes = tf.tensor2d(
      [range(0, 36).map((i) => i === 17 ? colour : i % 7)],
      undefined,
      "int32",
    );
    return runIGpt(codes, params, masked, { kept }).tokens.dataSync();
  });
  assertEquals(one, other);
});

Deno.test("causalBias() is 0 for a position and those before it, and very low for later ones", () => {
  assertEquals(causalBias(3, 2).arraySync(), [[0, 1].map(() => [
    [0, -1e10, -1e10],
    [0, 0, -1e10],
    [0, 0, 0],
  ])]);
});

Deno.test("codesOf() gives the nearest colour of the mean of each square", () => {
  const sizes = { imageSize: 4, patchSize: 2 };
  const image = tf.randomUniform<tf.Rank.R4>([2, 4, 4, 3], -1, 1, "float32", 3);
  const palette = tf.randomUniform<tf.Rank.R2>([5, 3], -1, 1, "float32", 4);
  const [pixels, colours] = [image.arraySync(), palette.arraySync()];
  const means = pixels.flatMap((rows) =>
    [[0, 0], [0, 2], [2, 0], [2, 2]].map(([y, x]) =>
      [0, 1, 2].map((c) =>
        (rows[y!]![x!]![c]! + rows[y!]![x! + 1]![c]! + rows[y! + 1]![x!]![c]! +
          rows[y! + 1]![x! + 1]![c]!) / 4
      )
    )
  );
  assertClose(positionColours(image, sizes), means.flat(), 1e-6);
  const nearest = means.map((mean) => {
    const distances = colours.map((colour) => Math.hypot(...colour.map((x, c) => x - mean[c]!)));
    return distances.indexOf(Math.min(...distances));
  });
  assertEquals([...codesOf(image, palette, sizes).dataSync()], nearest);
});

Deno.test("the feature is the mean of the feature block's normed input, the stage its map", () => {
  using model = createModel(config, createRng(0));
  fillByFormula(model.params);
  const images = formulaImage([2, 12, 12]);
  const output = model.forward(images, { training: false });
  const { intermediates: inside } = intermediates(model, images, ["h.1.ln_1"], { training: false });
  assertClose(output.features, inside["h.1.ln_1"]!.mean(1), 1e-6);
  assertEquals(output.stages.map(({ shape }) => shape), [[2, 6, 6, 12]]);
  assertClose(output.stages[0]!.reshape([2, 36, 12]), inside["h.1.ln_1"]!, 1e-6);
});

Deno.test("the first weights have the official standard deviations, and no layer has a bias", () => {
  using model = createModel({ ...iGptConfig("nano"), embedDim: 64, depth: 4 }, createRng(0));
  const stds = Object.fromEntries([...parameters(model.params)].map(([name, weight]) => {
    const values = weight.dataSync<"float32">();
    return [name, Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length)];
  }));
  const expected = {
    wte: 0.02,
    wpe: 0.01,
    "h.0.attn.qkv.weight": 1 / 8,
    "h.3.attn.proj.weight": 1 / 16,
    "h.2.mlp.c_fc.weight": 0.02,
    "h.2.mlp.c_proj.weight": 0.02,
    "h.1.ln_1.weight": 1,
    "ln_f.weight": 1,
  };
  for (const [name, std] of Object.entries(expected)) assertClose(stds[name]!, std, 0.05);
  assertTrue(stds.sos! > 0.01 && stds.sos! < 0.03, `${stds.sos}`);
  assertEquals(Object.keys(stds).filter((name) => name.includes("bias")), []);
  const palette = namedVariables(model.params).get("palette")!;
  assertEquals([palette.trainable, palette.shape], [false, [32, 3]]);
});

Deno.test("iGPT's sizes are the published ones, without the output embedding", () => {
  const millions = (["small", "medium", "large"] as const).map((size) => {
    const { embedDim: d, depth, colours, imageSize } = iGptConfig(size);
    const positions = imageSize ** 2;
    return (depth * (12 * d * d + 2 * d) + (2 * colours + positions + 2) * d) / 1e6;
  });
  assertEquals(millions.map(Math.round), [77, 455, 1362]); // 76, 455 and 1,362 in the paper
});

Deno.test("iGPT refuses images of another size, and says which it needs", () => {
  using model = createModel(config, createRng(0));
  const run = () => model.forward(tf.zeros([1, 16, 16, 3]), { training: false });
  assertThrows(run, RangeError, '"igpt" on 16×16 pixels: its table of positions is for 12 a side');
  assertEquals(summarize(model, { imageSize: 12, depth: 0 }).length, 1);
});
