/**
 * What is timed, as cases of `deno task bench:peers`, so that PyTorch's side is there already.
 * Imports no engine.
 */
import type { BenchCase } from "lib/bench/cases.ts";
import { bcSslConfig } from "lib/models/convnext/convnext_configs.ts";
import type { ModelConfig } from "lib/models/family_configs.ts";
import { dinoCrops } from "lib/ssl/dino/crops.ts";
import type { Sizes } from "./check_case.ts";

/** The cases in their order. */
export function speedCases(sizes: Sizes): BenchCase[] {
  return sizes === "small" ? cases(tiny) : cases(paper);
}

interface Settings {
  readonly kernelSizes: readonly number[];
  readonly blockKernels: readonly number[];
  readonly batch: number;
  readonly side: number;
  readonly channels: number;
  readonly model: ModelConfig;
  readonly hiddenDim: number;
  readonly outDim: number;
  readonly views: {
    readonly globalSize: number;
    readonly localSize: number;
    readonly localCrops: number;
  };
  readonly stepBatch: number;
  /** Pixels per side of the images of inference, and how many. */
  readonly size: number;
  readonly images: number;
}

/** BC-SSL-T as the paper trains it, with a batch that most GPUs hold. */
const paper: Settings = {
  kernelSizes: [3, 5, 7, 9, 11, 13, 15, 31],
  blockKernels: [7, 9, 15],
  batch: 32,
  side: 56,
  channels: 96,
  model: bcSslConfig("tiny"),
  hiddenDim: 2048,
  outDim: 65_536,
  views: dinoCrops,
  stepBatch: 8,
  size: 224,
  images: 64,
};

/** For a GPU in software. */
const tiny: Settings = {
  kernelSizes: [3, 31],
  blockKernels: [9],
  batch: 2,
  side: 8,
  channels: 8,
  model: { ...bcSslConfig("atto"), depths: [1], dims: [8] },
  hiddenDim: 32,
  outDim: 64,
  views: { globalSize: 16, localSize: 8, localCrops: 1 },
  stepBatch: 2,
  size: 32,
  images: 2,
};

function cases({ batch, side, channels, model, ...more }: Settings): BenchCase[] {
  const map = { batch, side, channels };
  const on = `${batch} × ${side}² × ${channels}`;
  const { globalSize, localSize, localCrops } = more.views;
  const passes = ["forward", "dX", "dW"] as const;
  const head = { bottleneckDim: 256, batchNorm: false, normLastLayer: true };
  return [
    ...more.kernelSizes.flatMap((kernelSize) =>
      passes.map((pass) => ({
        kind: "depthwise" as const,
        group: "micro" as const,
        pass,
        ...map,
        kernelSize,
        name: `depthwise ${pass}, k = ${kernelSize}, ${on}`,
      }))
    ),
    ...more.blockKernels.map((kernelSize) => ({
      kind: "block" as const,
      group: "block" as const,
      ...map,
      kernelSize,
      batchNorm: true,
      name: `block, k = ${kernelSize}, forward and backward, ${on}`,
    })),
    {
      kind: "step",
      group: "step",
      model,
      head: { ...head, hiddenDim: more.hiddenDim, outDim: more.outDim },
      batch: more.stepBatch,
      globalSize,
      localSize,
      localCrops,
      name: `step of DINO, ${more.stepBatch} images × (2 + ${localCrops}) views of ${globalSize}²`,
    },
    {
      kind: "inference",
      group: "inference",
      model,
      batch: more.images,
      size: more.size,
      name: `features of ${more.images} images of ${more.size}²`,
    },
  ];
}
