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
import { issueDinoStep, newDino } from "lib/testing/gpu/dino_step.ts";
import { withoutKernels } from "lib/testing/gpu/webgpu.ts";
import * as tf from "lib/tf.ts";
import { StepGuard } from "lib/train/step_guard.ts";
import { countWork, type WorkCounts } from "lib/webgpu/count.ts";

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
  const training = newDino(bcSslConfig("tiny"), {
    ...head,
    batchNorm: false,
    normLastLayer: true,
  });
  const [global, local] = [tf.zeros([128, 224, 224, 3]), tf.zeros([512, 96, 96, 3])] as [
    tf.Tensor4D,
    tf.Tensor4D,
  ];
  const guard = new StepGuard();
  return () => issueDinoStep(training, { global, local }, guard);
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
  const rows: ReturnType<typeof rowOf>[] = [];
  for (const [what, begin] of Object.entries(subjects)) {
    rows.push(rowOf(what, "ours", once(begin)));
    rows.push(rowOf(what, "tfjs", await withoutKernels(() => once(begin))));
  }
  console.log(toMarkdown(tableOf(rows)));
}
