/** The batch script with which Slurm trains runs. */
import { readArguments } from "lib/task_arguments.ts";
import { readTrainArguments } from "./train_arguments.ts";

/** What `deno task slurm` was asked for. */
export interface SlurmRequest {
  /** The arguments of `deno task train` for each run: one, or those of an array. */
  readonly runs: readonly (readonly string[])[];
  readonly nodes: number;
  /** Processes on each node. */
  readonly tasks: number;
  /** Whether each process has a GPU. */
  readonly gpus: boolean;
  /** Cores for each process; `undefined` leaves it to Slurm. */
  readonly cpus?: number;
  /** Options for `sbatch`, as they are: `--time=24:00:00`. */
  readonly sbatch: readonly string[];
  readonly dryRun: boolean;
}

export const slurmHelp = `deno task slurm --config NAME [options of deno task train] [options]

Writes a batch script, and submits it to Slurm. Each run is trained by all processes of its job.
A job that comes to its time limit saves its run, and is queued again; so is one that Slurm
preempts, where Slurm is set up to. The folder of the project, and outputs/, must be the same on
all nodes; deno task runs lists the runs of all.

  --nodes N        nodes for each run (by default 1)
  --gpus N         GPUs on each node, one for each process
  --tasks N        processes on each node, without GPUs (by default 1)
  --cpus N         cores for each process
  --array AXIS…    a job for each combination: seeds=0..4, kernelSize=3,9, or any value that
                   --set takes, as recipe.lr=0.004,0.008
  --sbatch OPTION  an option for sbatch, as --sbatch=--time=24:00:00; may be given again
  --dry-run        print the script instead

Examples
  deno task slurm --config start --nodes 2 --cpus 8 --sbatch=--time=1:00:00
  deno task slurm --config bcssl_t_k9_300ep --scale paper --nodes 4 --gpus 4
  deno task slurm --config start --array seeds=0..4 kernelSize=3,9 --dry-run
`;

/**
 * Reads the arguments. Every run is checked as `deno task train` would.
 *
 * @returns `undefined` for `--help`.
 * @throws {RangeError} If an argument is unknown or invalid.
 */
export function readSlurmArguments(args: string[]): SlurmRequest | undefined {
  const { values, positionals } = readArguments(args, {
    config: { type: "string" },
    scale: { type: "string" },
    seed: { type: "string" },
    set: { type: "string", multiple: true, default: [] as string[] },
    until: { type: "string" },
    fresh: { type: "boolean", default: false },
    nodes: { type: "string", default: "1" },
    gpus: { type: "string", default: "0" },
    tasks: { type: "string", default: "1" },
    cpus: { type: "string" },
    array: { type: "string" },
    sbatch: { type: "string", multiple: true, default: [] as string[] },
    "dry-run": { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  }, { positionals: true, task: "deno task slurm" });
  if (values.help) return undefined;
  if (values.array === undefined && positionals.length > 0) {
    throw new RangeError(`Cannot read ${positionals[0]}: the axes of an array follow --array`);
  }
  const { config, scale, seed, set, until, fresh } = values;
  const common = [
    ...Object.entries({ config, scale, seed, until }).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value]
    ),
    ...set.flatMap((setting) => ["--set", setting]),
    ...(fresh ? ["--fresh"] : []),
  ];
  const axes = values.array === undefined ? [] : [values.array, ...positionals].map(axisOf);
  const runs = combinations(axes).map((own) => [...common, ...own]);
  runs.forEach((run) => readTrainArguments(run));
  const gpus = wholeNumber("--gpus", values.gpus, 0);
  return {
    runs,
    nodes: wholeNumber("--nodes", values.nodes, 1),
    tasks: gpus || wholeNumber("--tasks", values.tasks, 1),
    gpus: gpus > 0,
    ...(values.cpus !== undefined && { cpus: wholeNumber("--cpus", values.cpus, 1) }),
    sbatch: values.sbatch,
    dryRun: values["dry-run"],
  };
}

function wholeNumber(option: string, text: string, least: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least) return value;
  throw new RangeError(`Cannot take ${option} ${text}: need a whole number from ${least}`);
}

/** The arguments for each value of an axis: `seeds=0..4`, `kernelSize=3,9`, `recipe.lr=0.1,0.2`. */
function axisOf(text: string): string[][] {
  const [, name, list] = /^([\w.]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined) {
    throw new RangeError(`Cannot read the axis ${text}: write it as seeds=0..4 or kernelSize=3,9`);
  }
  const values = list!.split(",").flatMap(rangeOf);
  if (name === "seeds") return values.map((seed) => ["--seed", seed]);
  const path = name === "kernelSize" ? "recipe.model.kernelSize" : name;
  return values.map((value) => ["--set", `${path}=${value}`]);
}

/** `0..3` → 0, 1, 2, 3; anything else is one value. */
function rangeOf(text: string): string[] {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (from === undefined) return [text];
  if (Number(to) < Number(from)) throw new RangeError(`Cannot count from ${from} to ${to}`);
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => String(Number(from) + i));
}

function combinations(axes: readonly string[][][]): string[][] {
  return axes.reduce<string[][]>(
    (all, axis) => all.flatMap((before) => axis.map((own) => [...before, ...own])),
    [[]],
  );
}

/** Where a script finds what it needs; the same on all nodes. */
export interface SlurmPlaces {
  /** Deno's program. */
  readonly deno: string;
  /** The project. */
  readonly root: string;
  /** Where the jobs' output goes. */
  readonly logs: string;
}

/** Exit code of a training that was saved because of SIGUSR2. */
export const savedForRequeue = 140;

/** Seconds before the time limit at which a job is asked to save itself. */
const secondsToSave = 120;

/**
 * The batch script.
 *
 * Slurm sends SIGUSR2 to the processes before the time limit (at SIGUSR1, which is more usual, Deno
 * opens a port for a debugger). They save the run and end with an exit
 * code of their own, by which the script knows to queue the job again. After SIGTERM, of `scancel`
 * or a preemption, they save the run too; whether to queue it again is then Slurm's decision.
 */
export function slurmScript(
  { runs, nodes, tasks, gpus, cpus, sbatch }: SlurmRequest,
  { deno, root, logs }: SlurmPlaces,
): string {
  const options = [
    `--job-name=${runs[0]![runs[0]!.indexOf("--config") + 1]}`,
    `--nodes=${nodes}`,
    `--ntasks-per-node=${tasks}`,
    ...(gpus ? ["--gpus-per-task=1"] : []),
    ...(cpus === undefined ? [] : [`--cpus-per-task=${cpus}`]),
    "--requeue",
    "--open-mode=append",
    `--signal=USR2@${secondsToSave}`,
    ...(runs.length === 1 ? [] : [`--array=0-${runs.length - 1}`]),
    `--output=${logs}/${runs.length === 1 ? "%x-%j" : "%x-%A_%a"}.log`,
    ...sbatch,
  ];
  const cases = runs.map((run, i) => `  ${i}) run=(${run.map(quoted).join(" ")}) ;;`);
  return `#!/bin/bash
${options.map((option) => `#SBATCH ${option}`).join("\n")}

case "\${SLURM_ARRAY_TASK_ID:-0}" in
${cases.join("\n")}
esac
cd ${quoted(root)} || exit 1
BCSSL_HOSTS=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | paste -sd, -)
export BCSSL_HOSTS
if [ -n "$SLURM_CPUS_PER_TASK" ]; then # srun does not take it from sbatch
  export SRUN_CPUS_PER_TASK=$SLURM_CPUS_PER_TASK TF_NUM_INTRAOP_THREADS=$SLURM_CPUS_PER_TASK
fi

srun --kill-on-bad-exit=0 ${quoted(deno)} run -A lib/experiments/train_task.ts "\${run[@]}"
code=$?
if [ $code = ${savedForRequeue} ]; then
  if [ -n "$SLURM_ARRAY_JOB_ID" ]; then SLURM_JOB_ID=\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID; fi
  # Slurm may be busy, or still be ending the processes.
  for try in {1..30}; do scontrol requeue "$SLURM_JOB_ID" && break; sleep 2; done
fi
exit $code
`;
}

/** A word for the shell. */
function quoted(word: string): string {
  return /^[\w./=:,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
