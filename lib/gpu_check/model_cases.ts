/** A network of every family, forward and backward. */
import * as tf from "lib/tf.ts";
import {
  type Arch,
  bcSslConfig,
  convNeXtIsotropicConfig,
  createModel,
  iGptConfig,
  type ModelConfig,
  repLKNetConfig,
  resNetConfig,
  sLaKConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { type CaseTensors, type CheckCase, randomTensor, type Sizes } from "./check_case.ts";

/** A layer scale of nearly 0, as at the beginning of training, would hide what a block computes. */
const layerScaleInit = 0.5;

/** Networks of a few weights, for images of 32 pixels a side. */
const [depths, dims] = [[1, 1], [8, 12]];
const small: Readonly<Record<Arch, ModelConfig>> = {
  convnext: { ...bcSslConfig("atto"), depths, dims, layerScaleInit },
  convnext_isotropic: {
    ...convNeXtIsotropicConfig("small"),
    depth: 1,
    dim: 8,
    patchSize: 8,
    layerScaleInit,
  },
  vit: { ...vitConfig("nano"), embedDim: 12, depth: 1, patchSize: 8, imageSize: 32 },
  swin: { ...swinConfig("nano"), embedDim: 8, depths, numHeads: [1, 2] },
  resnet: { ...resNetConfig(18), depths, dims },
  replknet: { ...repLKNetConfig("nano"), depths, dims, kernelSizes: [7, 7] },
  slak: { ...sLaKConfig("nano"), depths, dims, kernelSizes: [7, 7] },
  igpt: { ...iGptConfig("nano"), embedDim: 8, depth: 2, numHeads: 2, featureBlock: 1 },
};

/** The paper's networks, for images of 224 pixels a side; iGPT's are of 32. */
const full: Readonly<Record<Arch, ModelConfig>> = {
  convnext: { ...bcSslConfig("tiny"), layerScaleInit },
  convnext_isotropic: { ...convNeXtIsotropicConfig("small"), layerScaleInit },
  vit: vitConfig("small"),
  swin: swinConfig("tiny"),
  resnet: resNetConfig(50),
  replknet: { ...repLKNetConfig("31B"), depths: [1, 1, 2, 1] },
  slak: { ...sLaKConfig("tiny"), layerScaleInit },
  igpt: iGptConfig("nano"),
};

/** The cases of all families. */
export function modelCases(sizes: Sizes): CheckCase[] {
  return Object.entries(sizes === "small" ? small : full).map(([arch, config]): CheckCase => ({
    part: "models",
    name: arch,
    // Every layer adds its rounding, and a gradient passes through each of them twice.
    tolerance: 2e-3,
    compute: () => throughNetwork(config, sizes === "small" || arch === "igpt" ? 32 : 224),
  }));
}

/** Features, logits and the gradients of all weights, in one vector as they are measured together. */
function throughNetwork(config: ModelConfig, side: number): CaseTensors {
  using model = createModel(config, createRng(1), { numClasses: 10 });
  const weights = parameters(model.params);
  return tf.tidy(() => {
    const x = randomTensor<tf.Rank.R4>([2, side, side, 3], 2);
    const forward = () => model.forward(x, { training: true });
    const cotangent = randomTensor([2, 10], 3);
    const loss = () => forward().logits!.mul(cotangent).sum() as tf.Scalar;
    const { grads } = tf.variableGrads(loss, [...weights.values()]);
    // iGPT's last layers predict colours, of which the logits know nothing.
    const reached = [...weights.values()].filter(({ name }) => grads[name] != null);
    const all = reached.map(({ name }) => grads[name]!.flatten() as tf.Tensor1D);
    const { features, logits } = forward();
    return { features, logits: logits!, "gradients of all weights": tf.concat1d(all) };
  }) as CaseTensors;
}
