/** The tests that `deno task test --engine webgpu` skips, and why each cannot run there. */

/** Of one file, the reasons. */
export interface Skips {
  /** Why none of its tests runs. */
  readonly all?: string;
  /** Why tests skip themselves there, by a condition of their own. */
  readonly own?: string;
  /** Why single tests do not run, by their names. */
  readonly tests?: Readonly<Record<string, string>>;
}

const kernels = "it is about the kernels in C++, which only a CPU has";
const tensorFlow = "it is about TensorFlow as the engine";
const together = "several processes exchange numbers by TensorFlow's collective operations alone";
const bothWays =
  "it compares steps that read at once, which only a CPU takes, with those that do not";
const beside = "it compares WebGPU with TensorFlow in one process, where TensorFlow is the engine";

export const skips: Readonly<Record<string, Skips>> = {
  "lib/bench/scaling_test.ts": {
    tests: {
      "bytesByPurpose() of a step of DINO finds BatchNorm, centre and all gradients": together,
    },
  },
  "lib/detect/boxes/roi_align_native_test.ts": { own: kernels },
  "lib/detect/boxes/roi_align_webgpu_test.ts": { all: beside },
  "lib/distributed/agree_test.ts": {
    tests: { "anyOf() is true if one process says yes; alone it asks nobody": together },
  },
  "lib/experiments/kernel_families_test.ts": { own: kernels },
  "lib/experiments/pretrain/no_reads_test.ts": { all: bothWays },
  "lib/experiments/webgpu_step_test.ts": { all: beside },
  "lib/experiments/ship/shipped_verbs_test.ts": {
    tests: {
      "a cell hears where a shipped run was trained, and runs() and runHistory() show it":
        "it expects the processor's name where a run on a GPU names the GPU",
    },
  },
  "lib/models/bf16_test.ts": { own: kernels },
  "lib/models/convnext/convnext_fused_test.ts": { own: kernels },
  "lib/models/cuda_test.ts": {
    tests: {
      "mixedMatMul() rounds factors and products to bf16, in all ways to transpose": tensorFlow,
      "linear() in bf16 computes value and gradients by the kernel, and leaves no tensor":
        tensorFlow,
    },
  },
  "lib/models/native_test.ts": { own: kernels },
  "lib/models/webgpu_test.ts": { all: beside },
  "lib/models/swin/swin_test.ts": {
    tests: {
      "every weight has a gradient, the same bits each time":
        "tfjs adds the gradients of a gather there in any order, so that their last bits vary",
    },
  },
  "lib/native/signatures_test.ts": { own: kernels },
  "lib/nn/relu_test.ts": {
    tests: {
      "relu() and its gradient are tfjs's, in fewer operations":
        "it counts TensorFlow's operations",
    },
  },
  "lib/ssl/dino/precision_test.ts": { own: kernels },
  "lib/ssl/distillation/prototypes_test.ts": {
    own: kernels,
    tests: {
      "teach() and prototypeLoss() pass NaN on":
        "WGSL does not promise to keep NaN: among other tests the gradient lost one, alone it did not",
    },
  },
  "lib/tf_op_test.ts": { all: tensorFlow },
  "lib/tf_test.ts": { tests: { "engine() describes what computes": tensorFlow } },
  "lib/train/bf16_test.ts": { all: together },
  "lib/train/decided_test.ts": { own: kernels },
  "lib/train/native_test.ts": { own: kernels },
};
