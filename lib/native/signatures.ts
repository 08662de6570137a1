/**
 * The signature of every native operation: the one place that names its inputs, outputs and
 * attributes. From this table come the TensorFlow registrations (the build writes them into a
 * header for `src/ops/`) and the tfjs kernels (_kernels.ts).
 *
 * A new operation is an entry here, its function in `src/kernels/`, and a function in `src/ops/`
 * that checks the shapes and calls it.
 *
 * Imports nothing: the build runs before any package is installed.
 */

/** An attribute's type in TensorFlow. */
export type AttributeType = "int" | "float";

/** Inputs and outputs, in order, and constants. */
export interface Signature {
  /**
   * A plain name is one tensor; `bias?` is a list of one or none; `weights[]` is a list of one or
   * more.
   */
  readonly inputs: readonly string[];
  /** In the form of `inputs`. All lists of an operation have the same length. */
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, AttributeType>>;
  /** Whether it writes to an input, so that TensorFlow may not skip or repeat a call. */
  readonly stateful: boolean;
}

const block = [
  ...["norm_weight", "norm_bias", "weight1", "bias1", "weight2", "bias2", "gamma", "keep"],
  ...["mean?", "rstd?", "bn_weight?", "bn_bias?"], // of the BatchNorm before it
];

/** Every operation, without its prefix `Bcssl`. All tensors are fp32. */
export const signatures: Readonly<Record<string, Signature>> = {
  Gelu: op("x", "y"),
  GeluGrad: op("dy x", "dx"),
  BiasGelu: op("x bias", "y"),
  BiasGeluGrad: op("dy x bias", "dx dbias"),
  Linear: op("x weight bias?", "y", { bf16: "int" }),
  LinearGradInput: op("dy x weight", "dx", { bf16: "int" }), // x for its shape
  LinearGradWeight: op("dy x weight bias?", "dweight dbias?", { bf16: "int" }), // weight for its shape
  LayerNorm: op("x weight bias", "y mean rstd", { eps: "float" }),
  LayerNormGrad: op("dy x mean rstd weight", "dx dweight dbias"),
  Affine: op("x scale shift", "y"),
  BatchMoments: op("x mean variance", "batch_mean rstd new_mean new_variance", {
    eps: "float",
    momentum: "float",
  }),
  BatchNorm: op("x weight bias mean variance", "y batch_mean rstd new_mean new_variance", {
    eps: "float",
    momentum: "float",
  }),
  BatchNormGrad: op("dy x mean rstd weight", "dx dweight dbias"),
  OwnMoments: op("x", "moments"), // [2, C]: mean, variance
  MomentsOfAll: op("all running_mean running_variance", "mean rstd new_mean new_variance", {
    eps: "float",
    momentum: "float",
    rows: "int",
  }), // all: [2·W, C], the moments of W processes with so many rows each
  BatchNormGradOfAll: op("dx x mean rstd weight dweight dbias all", "dx_of_all"), // all: [2·W, C]
  ScaledResidual: op("x branch bias gamma keep", "y"),
  ScaledResidualGrad: op("dy branch bias gamma keep", "dbranch dbias dgamma"),
  Pointwise: op(["input", "x", ...block], "y", { eps: "float", bf16: "int" }),
  PointwiseGrad: op(
    ["dy", "input", ...block],
    "dinput dnorm_weight dnorm_bias dweight1 dbias1 dweight2 dbias2 dgamma dbn_weight? dbn_bias?",
    { eps: "float", bf16: "int" },
  ),
  Depthwise: op("x weight bias?", "y", { stride: "int" }),
  DepthwiseGradInput: op("dy x weight plus?", "dx", { stride: "int" }), // x for its shape; plus is added
  DepthwiseGradWeight: op("dy x weight bias?", "dweight dbias?", { stride: "int" }), // weight for its shape
  Softmax: op("x bias?", "y"),
  SoftmaxGrad: op("dy y bias?", "dx dbias?"),
  Attention: op("qkv bias?", "y", { heads: "int" }),
  AttentionGrad: op("dy qkv bias?", "dqkv dbias?", { heads: "int" }),
  Patches: op("x", "patches", { size: "int" }),
  PatchesGrad: op("dpatches", "dx", { size: "int", height: "int", width: "int" }),
  RoundedConv: op("x weight bias?", "y", { stride: "int", padY: "int", padX: "int", relu: "int" }),
  RoiAlign: op("x regions", "y", roiAlign()),
  RoiAlignGrad: op("dy x regions", "dx", roiAlign()), // x for its shape
  L2Normalize: op("x", "y lengths"),
  L2NormalizeGrad: op("dy y lengths", "dx"),
  PrototypeScales: op("v g", "norms scales"),
  PrototypeGrad: op("dv v u norms scales", "grad dg"),
  DinoTeacher: op("products scales center numbers", "q entropy next_center"), // temperature and momentum
  DinoLoss: op("products scales q", "loss lse mass", { temp: "float" }),
  DinoLossGrad: op("dloss products scales q lse mass", "dproducts u", { temp: "float" }),
  SquaredNorms: op("tensors[]", "squares"),
  AdamW: {
    ...op("weights[] grads[] first[] second[] factors", "new_weights[]"),
    stateful: true, // moves both moments in place
  },
  Momentum: {
    ...op("weights[] grads[] buffers[] factors", "new_weights[]"),
    stateful: true, // moves the buffers in place
  },
  // A float of these holds two bf16 numbers, the first in its lower half.
  ToBf16: op("tensors[]", "halves", { parts: "int" }), // [parts, n]: the tensors' numbers, then zeros
  MeanOfBf16: op("halves", "mean"), // of the rows of [parts, n]
  FromBf16: op("halves[]", "numbers"), // of all tensors, one after the other
  MovingAverage: op("averages[] sources[] mix", "new_averages[]"), // mix: momentum and 1 − momentum
};

function op(
  inputs: string | readonly string[],
  outputs: string,
  attributes: Signature["attributes"] = {},
): Signature {
  const names = typeof inputs === "string" ? inputs.split(" ") : inputs;
  return { inputs: names, outputs: outputs.split(" "), attributes, stateful: false };
}

function roiAlign(): Signature["attributes"] {
  return { size: "int", sampling: "int", aligned: "int", scale: "float" };
}

/** Whether a name of a signature is a list. */
export function isList(name: string): boolean {
  return /(\?|\[\])$/.test(name);
}

/**
 * The header `signatures.h` that the C++ of `src/ops/` includes: for each operation a macro with
 * what TensorFlow's `REGISTER_OP` is told of it.
 */
export function signaturesHeader(): string {
  const lines = Object.entries(signatures).map(([name, signature]) =>
    `#define BCSSL_SIGNATURE_${name} ${registration(signature)}`
  );
  return ["// Written by lib/native/build.ts from signatures.ts.", "#pragma once", ...lines, ""]
    .join("\n");
}

function registration({ inputs, outputs, attributes, stateful }: Signature): string {
  const all = [...inputs, ...outputs];
  const length = all.some((name) => name.endsWith("?"))
    ? ['.Attr("N: int >= 0")']
    : all.some(isList)
    ? ['.Attr("N: int >= 1")']
    : [];
  return [
    ...length,
    ...Object.entries(attributes).map(([name, type]) => `.Attr("${name}: ${type}")`),
    ...(stateful ? [".SetIsStateful()"] : []),
    ...inputs.map((name) => `.Input("${declaration(name)}")`),
    ...outputs.map((name) => `.Output("${declaration(name)}")`),
  ].join(" ");
}

/** `bias?` → `bias: N * float` */
function declaration(name: string): string {
  return `${name.replace(/\W/g, "")}: ${isList(name) ? "N * float" : "float"}`;
}
