/** The tokens of every family: the last map after the last norm, before any pooling. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import {
  convNeXtConfig,
  createModel,
  intermediates,
  type Model,
  type ModelConfig,
  repLKNetConfig,
  resNetConfig,
  sLaKConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { layerNorm, type LayerNormParams } from "lib/nn/norms.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { fillByFormula, formulaImage } from "lib/testing/formula.ts";

const [depths, dims] = [[1, 1], [8, 12]];
const configs: readonly ModelConfig[] = [
  { ...convNeXtConfig("atto"), depths, dims, batchNorm: true, dwconvBias: false },
  { ...sLaKConfig("tiny"), depths, dims, kernelSizes: [7, 7] },
  { ...repLKNetConfig("nano"), depths, dims, kernelSizes: [7, 7] },
  {
    arch: "convnext_isotropic",
    depth: 1,
    dim: 8,
    patchSize: 8,
    kernelSize: 3,
    batchNorm: false,
    dwconvBias: true,
    dropPathRate: 0,
    layerScaleInit: 0,
  },
  { ...resNetConfig(18), depths, dims },
  { ...swinConfig("nano"), embedDim: 8, depths, numHeads: [1, 2] },
  { ...vitConfig("nano"), embedDim: 12, depth: 1, patchSize: 8, imageSize: 32 },
];

/** The tokens by another way: from the last map and the last norm, or from the taps. */
function expectedTokens(model: Model, images: tf.Tensor4D): tf.Tensor {
  const { arch } = model.config;
  const { norm } = model.params as { readonly norm: LayerNormParams };
  const { stages } = model.forward(images, { training: false });
  const map = stages.at(-1)!;
  if (arch === "resnet") return map;
  if (arch === "swin" || arch === "vit" || arch === "replknet") {
    const normed = intermediates(model, images, ["norm"], { training: false }).intermediates.norm!;
    return arch === "vit" ? normed.slice([0, 1]) : normed;
  }
  return layerNorm(map, norm, 1e-6);
}

for (const config of configs) {
  Deno.test(`the tokens of ${config.arch} are its last map after the last norm`, () => {
    using model = createModel(config, createRng(0));
    fillByFormula(model.params);
    const images = formulaImage([2, 32, 32]);
    const { tokens, features, stages } = model.forward(images, { training: false, tokens: true });
    const [B, H, W] = stages.at(-1)!.shape;
    assertEquals(tokens!.shape, [B, H * W, model.featureDim]);
    assertClose(tokens!, expectedTokens(model, images).reshape(tokens!.shape), 1e-5);
    if (config.arch === "resnet" || config.arch === "swin" || config.arch === "replknet") {
      assertClose(tokens!.mean(1), features, 1e-5);
    }
    const without = model.forward(images, { training: false });
    assertEquals(without.tokens, undefined);
    assertEquals(without.features.dataSync(), features.dataSync());
    assertNoLeak(() => {
      const output = model.forward(images, { training: false, tokens: true });
      tf.dispose([output.features, output.tokens!, ...output.stages]);
    });
  });
}
