/** Finds the test files, and plans which of them run together and in which order. */
import { dirname, join } from "@std/path";

/**
 * CPU seconds of the slow test files, with all processes that they start. `deno task test --times`
 * shows which take longest. A file above {@linkcode groupSeconds} has a process of its own. The
 * longest begin first, so that no long file is left for the end. A wrong number only makes the run
 * longer.
 */
export const seconds: Readonly<Record<string, number>> = {
  "lib/experiments/runs/arm_notebooks_slow_test.ts": 135,
  "lib/experiments/runs/resume_methods_deep_test.ts": 132,
  "lib/experiments/runs/random_kills_deep_test.ts": 110,
  "lib/native/kernels_deep_test.ts": 105,
  "lib/report/notebook/lab_slow_test.ts": 68,
  "lib/ssl/method/together_deep_test.ts": 50,
  "lib/experiments/runs/together_deep_test.ts": 35,
  "lib/bench/scaling_deep_test.ts": 39,
  "lib/experiments/runs/first_notebooks_slow_test.ts": 27,
  "lib/distributed/tensorflow_world_deep_test.ts": 27,
  "lib/gpu_check/check_deep_test.ts": 25,
  "lib/gpu_check/check_slow_test.ts": 5,
  "lib/experiments/pretrain/pretrain_test.ts": 23,
  "lib/experiments/slurm_deep_test.ts": 29,
  "lib/experiments/runs/resume_deep_test.ts": 22,
  "lib/experiments/runs/resume_slow_test.ts": 16,
  "lib/experiments/train_task_slow_test.ts": 13,
  "lib/experiments/train_task_deep_test.ts": 9,
  "lib/native/cuda_deep_test.ts": 19,
  "lib/setup/doc_examples_test.ts": 19,
  "lib/experiments/runs/memory_deep_test.ts": 18,
  "lib/experiments/measure/evaluated_together_deep_test.ts": 6,
  "lib/experiments/runs/faults_slow_test.ts": 17,
  "lib/experiments/robustness/robustness_deep_test.ts": 17,
  "lib/weights/mutations_deep_test.ts": 17,
  "lib/experiments/runs/webgpu_deep_test.ts": 16,
  "lib/report/notebook/jupyter_slow_test.ts": 16,
  "lib/setup/book_slow_test.ts": 15,
  "lib/eval/nearest/knn_memory_deep_test.ts": 12,
  "lib/models/golden_test.ts": 11,
  "lib/datasets/laptop/laptop_sets_test.ts": 11,
  "lib/ssl/deepcluster/deepcluster_test.ts": 10,
  "lib/experiments/detect/detector_learns_deep_test.ts": 10,
  "lib/experiments/webgpu_step_test.ts": 10,
  "lib/report/interactive/parts_slow_test.ts": 10,
  "lib/experiments/detect/detector_arms_slow_test.ts": 10,
  "lib/setup/notebooks/run_notebook_slow_test.ts": 10,
  "lib/report/browser/page_slow_test.ts": 9,
  "lib/experiments/transfer/compare_transfer_slow_test.ts": 9,
  "lib/experiments/pretrain/ablate_slow_test.ts": 9,
  "lib/ssl/igpt/igpt_test.ts": 9,
  "lib/ssl/moby/collapse_deep_test.ts": 8,
  "lib/ssl/esvit/collapse_deep_test.ts": 9,
  "lib/experiments/runs/together_slow_test.ts": 9,
  "lib/experiments/runs/two_hosts_deep_test.ts": 9,
  "lib/setup/lab_slow_test.ts": 8,
  "lib/report/sheets/sheet_parts_slow_test.ts": 8,
  "lib/eval/features/shared_reading_slow_test.ts": 8,
  "lib/ssl/mocov3/collapse_deep_test.ts": 6,
  "lib/models/webgpu_test.ts": 7,
  "lib/ssl/method/together_slow_test.ts": 7,
  "lib/experiments/detect/finetune_detector_test.ts": 6,
  "lib/setup/run_tests_test.ts": 6,
  "lib/datasets/emoji/emoji_test.ts": 6,
  "lib/experiments/ship/shipped_verbs_test.ts": 6,
  "lib/experiments/transfer/transfer_test.ts": 6,
  "lib/ssl/swav/swav_test.ts": 6,
  "lib/experiments/kernel_families_test.ts": 6,
  "lib/robustness/corruptions/corruptions_test.ts": 6,
  "lib/ssl/byol/byol_test.ts": 6,
  "lib/experiments/pretrain/kernel_gains_slow_test.ts": 6,
  "lib/setup/notebooks/kernel_relay_slow_test.ts": 5,
  "lib/models/native_test.ts": 5,
  "lib/models/webgpu_slow_test.ts": 5,
  "lib/datasets/coco/scenes_test.ts": 5,
  "lib/setup/notebooks/notebook_test.ts": 5,
  "lib/experiments/pretrain/compare_methods_slow_test.ts": 5,
  "lib/detect/network/mask_rcnn_slow_test.ts": 5,
  "lib/robustness/metrics_test.ts": 4,
  "lib/experiments/configs/data_test.ts": 4,
  "lib/experiments/ship/ship_runs_test.ts": 4,
  "lib/setup/figures_slow_test.ts": 4,
  "lib/experiments/ship/shipped_arms_slow_test.ts": 4,
  "lib/ssl/views/cropper_test.ts": 4,
  "lib/experiments/measure/evaluated_together_slow_test.ts": 4,
  "lib/setup/train_slow_test.ts": 4,
  "lib/setup/steps_slow_test.ts": 4,
  "lib/ssl/views/stored_crops_test.ts": 3,
  "lib/experiments/configs/paper_runs_slow_test.ts": 2,
  "lib/experiments/measure/model_costs_slow_test.ts": 2,
  "lib/experiments/measure/measure_speeds_slow_test.ts": 2,
  "lib/setup/doctor_slow_test.ts": 1,
};

/** Files whose tests mostly wait, for a kernel, a server or another process to start, answer or end. */
export const waiting: readonly string[] = [
  "lib/distributed/tensorflow_world_deep_test.ts",
  "lib/experiments/runs/two_hosts_deep_test.ts",
  "lib/experiments/slurm_deep_test.ts",
  "lib/report/browser/page_slow_test.ts",
  "lib/report/interactive/parts_slow_test.ts",
  "lib/report/notebook/jupyter_slow_test.ts",
  "lib/report/notebook/lab_slow_test.ts",
  "lib/report/sheets/sheet_parts_slow_test.ts",
  "lib/setup/lab_slow_test.ts",
  "lib/setup/notebooks/kernel_relay_slow_test.ts",
  "lib/setup/notebooks/run_notebook_slow_test.ts",
  "lib/setup/train_slow_test.ts",
];

/**
 * Fast files that take more than ten seconds of CPU on WebGPU in software; `--fast` leaves them out
 * there.
 */
export const longOnWebGpu: readonly string[] = [
  "lib/detect/network/mask_rcnn_test.ts",
  "lib/detect/training/train_detector_test.ts",
  "lib/eval/features/probe_features_test.ts",
  "lib/eval/supervised/train_supervised_test.ts",
  "lib/experiments/configs/stored_data_test.ts",
  "lib/experiments/detect/finetune_detector_test.ts",
  "lib/experiments/explain/cams_test.ts",
  "lib/experiments/measure/feature_quality_test.ts",
  "lib/experiments/measure/quality_scores_test.ts",
  "lib/experiments/pretrain/baseline_scores_test.ts",
  "lib/experiments/pretrain/own_pictures_test.ts",
  "lib/experiments/pretrain/pretrain_test.ts",
  "lib/experiments/pretrain/supervised_test.ts",
  "lib/experiments/runs/evaluations_test.ts",
  "lib/experiments/runs/saved_only_test.ts",
  "lib/experiments/ship/ship_runs_test.ts",
  "lib/experiments/ship/ship_snapshots_test.ts",
  "lib/experiments/ship/shipped_verbs_test.ts",
  "lib/experiments/subjects/snapshots_test.ts",
  "lib/experiments/transfer/transfer_test.ts",
  "lib/models/golden_test.ts",
  "lib/ssl/byol/byol_test.ts",
  "lib/ssl/byol/parity_test.ts",
  "lib/ssl/deepcluster/deepcluster_test.ts",
  "lib/ssl/deepcluster/parity_test.ts",
  "lib/ssl/dino/gradients_test.ts",
  "lib/ssl/dino/parity_test.ts",
  "lib/ssl/esvit/esvit_test.ts",
  "lib/ssl/esvit/parity_test.ts",
  "lib/ssl/igpt/igpt_test.ts",
  "lib/ssl/igpt/parity_test.ts",
  "lib/ssl/moby/moby_test.ts",
  "lib/ssl/moby/parity_test.ts",
  "lib/ssl/mocov3/mocov3_test.ts",
  "lib/ssl/mocov3/parity_test.ts",
  "lib/ssl/simclr/parity_test.ts",
  "lib/ssl/simclr/simclr_test.ts",
  "lib/ssl/swav/parity_test.ts",
  "lib/ssl/swav/swav_test.ts",
];

/** Seconds of a file that is not in the table: one named `x_slow_test.ts`, and any other. */
const [unknownSlow, unknownFast] = [15, 0.6];

/**
 * Files are grouped until a process has about so many seconds of work: its start alone, with
 * TensorFlow, takes 1.5 s.
 */
const groupSeconds = 40;

/** Estimates the seconds that a test file takes, from the table or from its name. */
export function expectedSeconds(path: string): number {
  const entry = Object.entries(seconds).find(([name]) => path.endsWith(`/${name}`));
  return entry?.[1] ?? (isSlow(path) ? unknownSlow : unknownFast);
}

/** Whether the tests of a file mostly wait. */
export function mostlyWaits(path: string): boolean {
  return waiting.some((name) => path.endsWith(`/${name}`));
}

/** Whether `--fast` leaves out on WebGPU what it runs on TensorFlow. */
export function isLongOnWebGpu(path: string): boolean {
  return longOnWebGpu.some((name) => path.endsWith(`/${name}`));
}

/** Whether `--fast` leaves the file out. */
export function isSlow(path: string): boolean {
  return path.endsWith("_slow_test.ts") || isDeep(path);
}

/**
 * Whether only `--all`, or its own path, runs the file: the C++ kernels compiled again under
 * sanitizers and for other processors, thousands of damaged weights files, memory over long runs,
 * runs of all methods that are killed and go on, runs of three methods that collapse, evaluations of
 * shifted images that are interrupted, most tests of several processes, Slurm, runs that move between
 * CPU and WebGPU, and a whole `gpu:check`.
 */
export function isDeep(path: string): boolean {
  return path.endsWith("_deep_test.ts");
}

/**
 * Finds the test files at the given paths, each a file or a folder, and sorts them by name.
 *
 * @throws {Error} If there is nothing at a path.
 */
export async function findTests(paths: readonly string[], root: string): Promise<string[]> {
  const files = new Set<string>();
  for (const path of paths) {
    const full = path.startsWith("/") ? path : `${root}/${path.replace(/^\.\//, "")}`;
    const stat = await Deno.stat(full).catch(() => undefined);
    if (stat === undefined) {
      throw new Error(`Cannot test ${path}: there is no such file or folder in ${root}`);
    }
    if (stat.isDirectory) {
      for (const file of await testsBelow(full.replace(/\/$/, ""))) files.add(file);
    } else files.add(full);
  }
  return [...files].sort();
}

async function testsBelow(dir: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    const path = `${dir}/${name}`;
    if (isDirectory && name !== "node_modules") files.push(...await testsBelow(path));
    else if (name.endsWith("_test.ts")) files.push(path);
  }
  return files;
}

/**
 * Whether a test file, or a file that it imports, imports the engine, `lib/tf.ts`. Reads import
 * lines, also those of imports in the midst of code; an import of types alone does not count.
 */
export async function usesEngine(path: string, root: string): Promise<boolean> {
  return await reaches(path, `${root}/lib/tf.ts`, root, new Set());
}

async function reaches(
  path: string,
  target: string,
  root: string,
  seen: Set<string>,
): Promise<boolean> {
  if (path === target) return true;
  if (seen.has(path)) return false;
  seen.add(path);
  const text = await Deno.readTextFile(path).catch(() => ""); // an import that stands in a string
  for (const [, specifier] of text.matchAll(valueImport)) {
    const file = specifier!.startsWith("lib/")
      ? join(root, specifier!)
      : join(dirname(path), specifier!);
    if (await reaches(file, target, root, seen)) return true;
  }
  return false;
}

/** Imports of the project's own files: `import … from "…"`, `export … from "…"`, `import("…")`. */
const valueImport =
  /(?:^(?:import|export)\b(?! type\b)[^;"]*?\bfrom |^import |\bimport\()"((?:lib\/|\.\.?\/)[^"\n]+)"/gm;

/**
 * Divides the files among processes: a long file has its own, short files that follow each other
 * share one. The longest group comes first.
 */
export function groupTests(files: readonly string[], secondsOf = expectedSeconds): string[][] {
  const groups: { readonly files: string[]; seconds: number }[] = [];
  let open: typeof groups[number] | undefined;
  for (const file of files) {
    const seconds = secondsOf(file);
    if (seconds >= groupSeconds) groups.push({ files: [file], seconds });
    else if (open !== undefined && open.seconds + seconds <= groupSeconds) {
      open.files.push(file);
      open.seconds += seconds;
    } else groups.push(open = { files: [file], seconds });
  }
  return groups.toSorted((a, b) => b.seconds - a.seconds).map((group) => group.files);
}
