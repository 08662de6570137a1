/** Which test files there are, and in which order and company they run. */

/**
 * The files that take long, in seconds on one core, rounded: `deno task test --times` prints them. Those above
 * {@linkcode groupSeconds} have a process of their own, and the longest begin first, so that the last worker is not left with
 * one when the others are through. A wrong number costs time and nothing else.
 */
export const seconds: Readonly<Record<string, number>> = {
  "lib/experiments/runs/notebook_slow_test.ts": 260,
  "lib/native/kernels_slow_test.ts": 85,
  "lib/report/notebook/lab_slow_test.ts": 60,
  "lib/experiments/robustness/robustness_slow_test.ts": 50,
  "lib/experiments/runs/resume_slow_test.ts": 42,
  "lib/experiments/runs/memory_slow_test.ts": 30,
  "lib/report/notebook/jupyter_slow_test.ts": 30,
  "lib/experiments/pretrain/ablate_slow_test.ts": 26,
  "lib/experiments/detect/detector_learns_slow_test.ts": 25,
  "lib/experiments/runs/faults_slow_test.ts": 20,
  "lib/experiments/detect/detector_arms_slow_test.ts": 20,
  "lib/models/golden_test.ts": 20,
  "lib/setup/notebooks/run_notebook_slow_test.ts": 20,
  "lib/experiments/configs/paper_runs_slow_test.ts": 16,
  "lib/setup/lab_slow_test.ts": 16,
  "lib/setup/doc_examples_test.ts": 16,
  "lib/robustness/metrics_test.ts": 15,
  "lib/experiments/train_task_slow_test.ts": 14,
  "lib/robustness/corruptions/corruptions_test.ts": 9,
  "lib/experiments/detect/finetune_detector_test.ts": 9,
  "lib/experiments/pretrain/pretrain_test.ts": 8,
  "lib/datasets/emoji/emoji_test.ts": 8,
  "lib/experiments/measure/model_costs_slow_test.ts": 6,
  "lib/models/summary_test.ts": 6,
  "lib/datasets/coco/scenes_test.ts": 6,
  "lib/experiments/configs/data_test.ts": 5,
  "lib/setup/notebooks/notebook_test.ts": 5,
  "lib/ssl/views/cropper_test.ts": 4,
  "lib/ssl/views/stored_crops_test.ts": 3,
};

/** What a slow file takes that the table does not have, and what any other takes. */
const [unknownSlow, unknownFast] = [15, 0.6];

/** Files of one process together take about this long: its start, with TensorFlow, takes 1.5 s. */
const groupSeconds = 12;

/** @returns The seconds a test file takes, by the table or by its name. */
export function expectedSeconds(path: string): number {
  const known = Object.entries(seconds).find(([name]) => path.endsWith(`/${name}`));
  return known?.[1] ?? (isSlow(path) ? unknownSlow : unknownFast);
}

/** Whether `--fast` leaves the file out. */
export function isSlow(path: string): boolean {
  return path.endsWith("_slow_test.ts");
}

/**
 * The test files at the given paths, each a file or a folder, in the order of their names.
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
 * Shares files out to processes: a long one has its own, short ones that stand beside each other go together. The longest
 * group comes first.
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
