/** The arguments of `deno task train`. */
import { closestOption } from "lib/schema/closest_option.ts";
import { readArguments } from "lib/task_arguments.ts";
import * as methodRuns from "lib/experiments/configs/method_runs.ts";
import * as notebookRuns from "lib/experiments/configs/notebook_runs.ts";
import { esvitRuns } from "lib/experiments/configs/esvit_runs.ts";
import { mobyRuns } from "lib/experiments/configs/moby_runs.ts";
import { mocoV3Runs } from "lib/experiments/configs/mocov3_runs.ts";
import { paperRuns } from "lib/experiments/configs/paper_runs.ts";
import { deepClusterRuns } from "lib/experiments/configs/deepcluster_runs.ts";
import { simclrRuns } from "lib/experiments/configs/simclr_runs.ts";
import { swavRuns } from "lib/experiments/configs/swav_runs.ts";
import { type PretrainConfig, type RunKey, scaleNames } from "lib/experiments/configs/config.ts";
import type { DetectorConfig, DetectorKey } from "lib/experiments/detect/detector_config.ts";
import { paperDetectors, sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import { withSettings } from "./settings.ts";
import { twinSuffix } from "lib/experiments/subjects/supervised_twin.ts";

/** How far to train. */
interface Extent {
  readonly fresh: boolean;
  /** Step to stop at; `Infinity` trains to the end. */
  readonly untilStep: number;
  /** Number of processes on this machine. */
  readonly workers: number;
  /** What computes; by default what `BCSSL_ENGINE` says, and TensorFlow where it says nothing. */
  readonly engine?: EngineName;
}

const engines = ["tensorflow", "webgpu"] as const;
type EngineName = typeof engines[number];

/** The run to train, and how far. */
export interface TrainArguments extends RunKey, Extent {
  /**
   * Whether to train the supervised twin, the same network trained on the labels, instead of the
   * run.
   */
  readonly supervised: boolean;
  /** Whether to train linear classifiers on the run's features when it is finished. */
  readonly probe: boolean;
}

/** The detector to train, and how far. */
export interface DetectorArguments extends DetectorKey, Extent {}

/** Whether the arguments ask for a detector. */
export function isDetector(read: TrainArguments | DetectorArguments): read is DetectorArguments {
  return "pretrained" in read.config;
}

const configs = { ...notebookRuns, ...methodRuns };

/** Runs on ImageNet-1K: the paper's own, and those of the methods that it compares with. */
const imageNetRuns = [
  ...paperRuns,
  ...simclrRuns,
  ...swavRuns,
  ...deepClusterRuns,
  ...esvitRuns,
  ...mocoV3Runs,
  ...mobyRuns,
];

/** The configs of all runs, by name. */
export const namedConfigs: ReadonlyMap<string, PretrainConfig> = new Map(
  [...Object.values(configs), ...imageNetRuns.map(({ config }) => config)]
    .map((config) => [config.name, config]),
);

/** The configs of all detectors, by name. */
export const namedDetectors: ReadonlyMap<string, DetectorConfig> = new Map(
  [...sceneDetectors, ...paperDetectors].map((config) => [config.name, config]),
);

/**
 * Duration of the notebooks' runs at laptop scale, on two idle cores. Those of the fine geometry and
 * of the methods but DINO are estimates from the cost of a step; no whole run was timed.
 */
const laptopCosts: Readonly<Record<string, string>> = {
  [configs.bcSslStart.name]: "6 min",
  [configs.bcSslEmoji.name]: "6 min",
  [configs.bcSslFineStart.name]: "6 min",
  [configs.bcSslFineEmoji.name]: "6 min",
  [configs.byolStart.name]: "6 min",
  [configs.simclrStart.name]: "6 min",
  [configs.simclrV2Start.name]: "6 min",
  [configs.swavStart.name]: "6 min",
  [configs.esvitStart.name]: "10 min",
  [configs.mocoV3Start.name]: "6 min",
  [configs.iGptStart.name]: "15 min",
  [configs.iGptMaskedStart.name]: "15 min",
  [configs.deepClusterStart.name]: "7 min",
  [configs.mobyStart.name]: "6 min",
};

/** Writes a name with its cost: `start (6 min)`. */
function withCost({ name, cost }: { readonly name: string; readonly cost?: string }): string {
  return cost === undefined ? name : `${name} (${cost})`;
}

/** Number of training steps of a detector on COCO, at paper scale. */
function detectorSteps({ scales: { paper } }: DetectorConfig): string {
  const steps = paper.epochs * paper.monitorEvery; // `monitorEvery` is one epoch of steps
  return `${steps.toLocaleString("en")} steps`;
}

/** Breaks a list of names into lines that fit into the second column of the help. */
function inLines(names: readonly { readonly name: string; readonly cost?: string }[]): string {
  const [indent, width] = [" ".repeat(19), 60];
  const lines = [""];
  for (const name of names.map(withCost)) {
    if (lines.at(-1)!.length + name.length > width) lines.push("");
    lines[lines.length - 1] += `${name}, `;
  }
  const ended = lines.map((line) => indent + line.trimEnd());
  return ended.join("\n").replace(/,$/, "");
}

export const trainHelp = `deno task train --config NAME [options]

Trains a run in outputs/, goes on with it, or says that it is finished: the same command each time.
Ctrl-C (or SIGTERM) stops after the current step and saves; a second one ends at once.

  --config NAME    what to train, and what it costs. On two idle cores of a laptop
                   (--scale laptop):
${inLines(Object.values(configs).map(({ name }) => ({ name, cost: laptopCosts[name] })))}
                   The paper's runs on ImageNet-1K (--scale paper), in estimated days
                   of one V100:
${
  inLines(
    imageNetRuns.map(({ config: { name }, v100Days }) => ({ name, cost: v100Days.toFixed(0) })),
  )
}
                   NAME${twinSuffix} trains the same network on the labels.
                   Detectors that start from such a run, on scenes of emoji
                   (--scale laptop):
${inLines(sceneDetectors.map(({ name }) => ({ name, cost: "5 min" })))}
                   and on COCO (--scale paper), in steps of 16 pictures:
${inLines(paperDetectors.map((config) => ({ name: config.name, cost: detectorSteps(config) })))}
  --scale SCALE    how much of it: ${scaleNames.join(", ")} (by default laptop)
  --seed N         a whole number (by default 0)
  --set PATH=VALUE change one value of the config; may be given again. VALUE is JSON,
                   or a text without quotes
  --until N        stop for now after step N of the run
  --workers N      train with N processes on this machine, which share each batch (by default
                   1); DeepCluster-v2, iGPT, NAME${twinSuffix} and detectors cannot
  --engine ENGINE  what computes: ${engines.join(" or ")} (by default TensorFlow where it is
                   installed); WebGPU takes one process, and was tried by us on a GPU
                   in software only
  --probe          after the last step, train linear classifiers on the run's features, which
                   all processes compute
  --fresh          delete this run from outputs/ and train it anew
  --help           show this

Examples
  deno task train --config start
  deno task train --config start --scale smoke --seed 1
  deno task train --config start --workers 2
  deno task train --config start --workers 2 --set recipe.gradients=bf16 --set name=start_sent_bf16
  deno task train --config start_supervised
  deno task train --config scenes_emoji_bcssl_k9
  deno task train --config start --set recipe.model.kernelSize=9 --set recipe.lr=0.004
  deno task train --config start --set recipe.precision=bf16 --set name=start_bf16
  deno task train --config start --set data.kind=folder --set data.train=~/a --set data.test=~/b
  nohup deno task train --config bcssl_t_k9_300ep --scale paper > train.log &
`;

/**
 * Reads the arguments of the command line.
 *
 * @returns `undefined` for `--help`.
 * @throws {RangeError} If an argument is unknown or invalid; the message lists the valid ones.
 */
export function readTrainArguments(
  args: string[],
): TrainArguments | DetectorArguments | undefined {
  const { values } = readArguments(args, {
    config: { type: "string" },
    scale: { type: "string", default: "laptop" },
    seed: { type: "string", default: "0" },
    set: { type: "string", multiple: true, default: [] as string[] },
    until: { type: "string" },
    workers: { type: "string", default: "1" },
    engine: { type: "string" },
    probe: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  });
  if (values.help) return undefined;
  const scale = scaleNames.find((name) => name === values.scale);
  if (scale === undefined) {
    throw new RangeError(`Cannot train at scale "${values.scale}": use ${scaleNames.join(", ")}`);
  }
  const others = {
    scale,
    seed: wholeNumber("--seed", values.seed),
    fresh: values.fresh,
    untilStep: values.until === undefined ? Infinity : wholeNumber("--until", values.until),
    workers: wholeNumber("--workers", values.workers),
  };
  if (others.workers < 1) throw new RangeError("Cannot train with --workers 0: need at least 1");
  const engine = engineNamed(values.engine);
  if (engine === "webgpu" && others.workers > 1) {
    throw new RangeError(
      `Cannot train with --workers ${others.workers} on WebGPU: it takes one process`,
    );
  }
  const detector = namedDetectors.get(values.config ?? "");
  const supervised = values.config?.endsWith(twinSuffix) ?? false;
  if (values.probe && (detector || supervised)) {
    throw new RangeError(
      `Cannot take --probe for ${values.config}: only a run that is trained without labels has one`,
    );
  }
  if (detector) return { config: withSettings(detector, values.set), engine, ...others };
  const config = configNamed(
    supervised ? values.config!.slice(0, -twinSuffix.length) : values.config,
  );
  const { probe } = values;
  return { config: withSettings(config, values.set), supervised, engine, probe, ...others };
}

function engineNamed(name: string | undefined): EngineName | undefined {
  const engine = engines.find((it) => it === name);
  if (engine !== undefined || name === undefined) return engine;
  throw new RangeError(`Cannot train on the engine "${name}": use ${engines.join(" or ")}`);
}

function configNamed(name: string | undefined): PretrainConfig {
  const config = name === undefined ? undefined : namedConfigs.get(name);
  if (config !== undefined) return config;
  const names = [...namedConfigs.keys(), ...namedDetectors.keys()];
  const guess = name === undefined ? undefined : closestOption(name, names);
  if (guess !== undefined) {
    throw new RangeError(
      `Cannot train "${name}": did you mean "${guess}"? --help lists all ${names.length} names`,
    );
  }
  const problem = name === undefined ? "without --config NAME" : `"${name}"`;
  throw new RangeError(`Cannot train ${problem}: there are ${names.join(", ")}`);
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new RangeError(`Cannot take ${option} ${text}: need a whole number from 0`);
}
