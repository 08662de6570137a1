import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { probeFeatures } from "lib/eval/features/probe_features.ts";
import {
  convNeXtConfig,
  createModel,
  intermediates,
  type ModelConfig,
  resNetConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { fillByFormula, formulaImage } from "lib/testing/formula.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const vit = { ...vitConfig("nano"), embedDim: 12, depth: 5 };
const swin = {
  ...swinConfig("tiny"),
  embedDim: 6,
  depths: [1, 2, 2],
  numHeads: [1, 2, 3],
  windowSize: 2,
  imageSize: 32,
};

function modelOf(config: ModelConfig) {
  const model = createModel(config, createRng(0));
  fillByFormula(model.params);
  return model;
}

const images = () => formulaImage([2, 32, 32]);

/** LayerNorm of one row, written out. */
function normed(
  row: readonly number[],
  weight: ArrayLike<number>,
  bias: ArrayLike<number>,
  eps: number,
) {
  const mean = row.reduce((sum, v) => sum + v, 0) / row.length;
  const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / row.length;
  return row.map((v, i) => (v - mean) / Math.sqrt(variance + eps) * weight[i]! + bias[i]!);
}

const meanOf = (rows: readonly (readonly number[])[]) =>
  rows[0]!.map((_, i) => rows.reduce((sum, row) => sum + row[i]!, 0) / rows.length);

Deno.test("probeFeatures() of a ViT are the last four class tokens, normed", () => {
  const model = modelOf(vit);
  const x = images();
  const names = [1, 2, 3, 4].map((i) => `blocks.${i}`);
  const { intermediates: inner, features } = intermediates(model, x, names, { training: false });
  const variables = namedVariables(model.params);
  const [weight, bias] = ["norm.weight", "norm.bias"].map((name) =>
    variables.get(name)!.dataSync()
  );
  const expected = [0, 1].map((image) =>
    names.flatMap((name) => {
      const tokens = (inner[name] as tf.Tensor3D).arraySync()[image]!;
      return normed(tokens[0]!, weight!, bias!, 1e-6);
    })
  );
  const actual = probeFeatures(model, x);
  assertEquals(actual.shape, [2, 48]);
  assertClose(actual, expected.flat());
  assertClose(actual.slice([0, 36]), features); // the last block's are the k-NN's own
});

Deno.test("probeFeatures() with avgPool alternates class token and mean, as the reference's cat", () => {
  const model = modelOf(vit);
  const x = images();
  const { intermediates: inner } = intermediates(model, x, ["norm"], { training: false });
  const tokens = (inner.norm as tf.Tensor3D).arraySync();
  const expected = tokens.flatMap(([cls, ...patches]) => {
    const mean = meanOf(patches);
    return cls!.flatMap((value, i) => [value, mean[i]!]);
  });
  assertClose(probeFeatures(model, x, { lastBlocks: 1, avgPool: true }), expected);
  const appended = probeFeatures(model, x, { lastBlocks: 2, avgPool: true });
  assertEquals(appended.shape, [2, 36]);
  assertClose(appended.slice([0, 24]), tokens.flatMap(([, ...patches]) => meanOf(patches)));
  assertClose(
    appended.slice([0, 0], [-1, 24]),
    probeFeatures(model, x, { lastBlocks: 2, avgPool: false }),
  );
});

Deno.test("probeFeatures() take one block and the mean of a ViT as wide as ViT-B", () => {
  const model = modelOf({ ...vitConfig("base"), depth: 2, imageSize: 32 });
  assertEquals(probeFeatures(model, images()).shape, [2, 1536]);
});

Deno.test("probeFeatures() of Swin are mean tokens across layers, normed in the last layer only", () => {
  const model = modelOf(swin);
  const x = images();
  const names = [
    "layers.1.blocks.0",
    "layers.1.blocks.1",
    "layers.2.blocks.0",
    "layers.2.blocks.1",
  ];
  const { intermediates: inner, features } = intermediates(model, x, names, { training: false });
  const variables = namedVariables(model.params);
  const [weight, bias] = ["norm.weight", "norm.bias"].map((name) =>
    variables.get(name)!.dataSync()
  );
  const expected = [0, 1].map((image) =>
    names.flatMap((name) => {
      const tokens = (inner[name] as tf.Tensor4D).arraySync()[image]!.flat();
      if (name.startsWith("layers.1")) return meanOf(tokens);
      return meanOf(tokens.map((row) => normed(row, weight!, bias!, swin.normEps)));
    })
  );
  const actual = probeFeatures(model, x);
  assertEquals(actual.shape, [2, 12 + 12 + 24 + 24]);
  assertClose(actual, expected.flat());
  assertClose(actual.slice([0, 48]), features);
});

for (
  const config of [
    { ...convNeXtConfig("tiny"), depths: [1, 1], dims: [8, 16] },
    resNetConfig(18),
  ]
) {
  Deno.test(`probeFeatures() of ${config.arch} are the k-NN's, and take no blocks`, () => {
    const model = modelOf(config);
    const x = images();
    assertClose(probeFeatures(model, x), model.forward(x, { training: false }).features);
    assertThrows(() => probeFeatures(model, x, { lastBlocks: 4 }), RangeError, "lastBlocks");
  });
}

Deno.test("probeFeatures() keep no tensor but their result, and refuse what there is not", () => {
  for (const config of [vit, swin]) {
    const model = modelOf(config);
    const x = images();
    assertNoLeak(() => probeFeatures(model, x).dispose());
    for (const lastBlocks of [0, 6, 1.5]) {
      assertThrows(() => probeFeatures(model, x, { lastBlocks }), RangeError, "need 1 to 5");
    }
  }
  assertThrows(
    () => probeFeatures(modelOf(swin), images(), { avgPool: false }),
    RangeError,
    "no class token",
  );
});
