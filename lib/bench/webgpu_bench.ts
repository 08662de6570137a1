/**
 * What our WebGPU kernels save: dispatches, copies and bytes of a block and of a step of DINO, with
 * them and without, counted and not run. Needs an adapter, but no GPU:
 *
 *     BCSSL_ENGINE=webgpu deno run -A lib/bench/webgpu_bench.ts
 */
import { convNeXtBlock, createConvNeXtBlock } from "lib/models/convnext/convnext.ts";
import { bcSslConfig } from "lib/models/mod.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { tableOf, toMarkdown } from "lib/report/tables/table_formats.ts";
import { createPlainDino, plainDinoStep } from "lib/testing/gpu/plain_step.ts";
import * as tf from "lib/tf.ts";
import { countWork, type WorkCounts } from "lib/webgpu/count.ts";
import { webGpuKernels } from "lib/webgpu/mod.ts";

/** Counts a computation with our kernels and without. */
function both(count: () => Counts): { readonly ours: Counts; readonly plain: Counts } {
  const ours = count();
  webGpuKernels.forEach((it) => tf.unregisterKernel(it.kernelName, it.backendName));
  try {
    return { ours, plain: count() };
  } finally {
    webGpuKernels.forEach((kernel) => tf.registerKernel(kernel));
  }
}

type Counts = Pick<WorkCounts, "dispatches" | "copies" | "bytes">;

/** The work of one call: that of two calls less that of one, without what comes before. */
function once(begin: () => () => void): Counts {
  const counts = [1, 2].map((calls) =>
    countWork(() => {
      const call = begin();
      for (let i = 0; i < calls; i++) call();
    })
  );
  const [one, two] = counts as [WorkCounts, WorkCounts];
  return {
    dispatches: two.dispatches - one.dispatches,
    copies: two.copies - one.copies,
    bytes: two.bytes - one.bytes,
  };
}

/** A block of BC-SSL-T's first stage, forward and backward, on 64 images of 224 pixels. */
function block(kernelSize: number): () => void {
  const config = { batchNorm: true, dwconvBias: false, layerScaleInit: 1 };
  const params = createConvNeXtBlock(96, kernelSize, config, createRng(0));
  const [x, dy] = [1, 2].map(() => tf.zeros<tf.Rank.R4>([64, 56, 56, 96])) as [
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  const run = () => convNeXtBlock(x, params, { training: true, dropPathRate: 0 });
  return () => tf.dispose(tf.grads(run)([x, ...parameters(params).values()], dy));
}

/** A step of DINO of BC-SSL-T with two views of 224 pixels and eight of 96, for 64 images. */
function step(): () => void {
  const head = { hiddenDim: 2048, bottleneckDim: 256, outDim: 65536 };
  const dino = createPlainDino(bcSslConfig("tiny"), {
    ...head,
    batchNorm: false,
    normLastLayer: true,
  });
  const views = [tf.zeros([128, 224, 224, 3]), tf.zeros([512, 96, 96, 3])] as tf.Tensor4D[];
  return () => plainDinoStep(dino, views).dispose();
}

function rowOf(what: string, kernels: string, { dispatches, copies, bytes }: Counts) {
  return { what, kernels, dispatches, copies, "GB moved": Number((bytes / 1e9).toFixed(2)) };
}

if (import.meta.main) {
  const subjects = {
    "block, 7×7, forward and backward": () => block(7),
    "block, 31×31, forward and backward": () => block(31),
    "step of DINO, BC-SSL-T": step,
  };
  const rows = Object.entries(subjects).flatMap(([what, begin]) => {
    const { ours, plain } = both(() => once(begin));
    return [rowOf(what, "ours", ours), rowOf(what, "tfjs", plain)];
  });
  console.log(toMarkdown(tableOf(rows)));
}
