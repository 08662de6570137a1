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
const beside = "it compares WebGPU with TensorFlow in one process, where TensorFlow is the engine";

export const skips: Readonly<Record<string, Skips>> = {
  "lib/detect/boxes/roi_align_native_test.ts": { own: kernels },
  "lib/detect/boxes/roi_align_webgpu_test.ts": { all: beside },
  "lib/experiments/kernel_families_test.ts": { own: kernels },
  "lib/experiments/webgpu_step_test.ts": { all: beside },
  "lib/models/bf16_test.ts": { own: kernels },
  "lib/models/convnext/convnext_fused_test.ts": { own: kernels },
  "lib/models/native_test.ts": { own: kernels },
  "lib/models/webgpu_test.ts": { all: beside },
  "lib/native/signatures_test.ts": { own: kernels },
  "lib/ssl/dino/precision_test.ts": { own: kernels },
  "lib/ssl/distillation/prototypes_test.ts": { own: kernels },
  "lib/train/decided_test.ts": { own: kernels },
  "lib/train/native_test.ts": { own: kernels },
};
