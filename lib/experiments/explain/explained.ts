/** Networks to explain, each with a classifier, which Grad-CAM needs. */
import { createHash } from "node:crypto";
import { basename, join } from "@std/path";
import { type ChannelStats, imageNetStats } from "lib/augment/mod.ts";
import { type Explained, type LinearClassifier, withClassifier } from "lib/explain/mod.ts";
import type { Model, ModelConfig } from "lib/models/mod.ts";
import {
  parseSafetensors,
  type SafetensorsFile,
  writeSafetensors,
} from "lib/weights/safetensors.ts";
import { openWeightsFile, type WeightsFile, weightsFile } from "lib/weights/weights_file.ts";
import type { RunKey } from "lib/experiments/configs/config.ts";
import { probeRates } from "lib/experiments/measure/linear_probe.ts";
import { fitRunClassifier } from "lib/experiments/measure/run_classifier.ts";
import { fittedWeightsPath } from "lib/experiments/runs/evaluations.ts";
import type { RunFolder } from "lib/experiments/runs/run_folder.ts";
import { shippedRun } from "lib/experiments/runs/shipped.ts";
import { recordPictures, requireSamePictures } from "lib/experiments/runs/pictures_record.ts";
import { type Experiment, openExperiment } from "lib/experiments/subjects/experiment.ts";
import {
  findSubject,
  loadSubject,
  type Subject,
  type SubjectWeights,
} from "lib/experiments/subjects/subject.ts";

/** A network to explain: a run's, or any other. */
export type NetworkToExplain = RunToExplain | ModelToExplain;

/** What a network to explain is called, and where it is looked at. */
export interface NamedNetwork {
  /** Name of the network in tables and figures. */
  readonly name: string;
  /**
   * Official names of the layers whose output is drawn. By default the verb chooses one.
   */
  readonly layers?: readonly string[];
}

/** A network of a run. */
export interface RunToExplain extends NamedNetwork, RunKey {
  /** By default the run's teacher. */
  readonly of?: Subject;
}

/** A loaded network, as `pretrained` returns it; the caller still owns it. */
export interface ModelToExplain extends NamedNetwork {
  /** The network; Grad-CAM needs one with a classifier. */
  readonly model: Model;
  /** By default, its classes are numbers. */
  readonly classNames?: readonly string[];
  /** The normalisation it was trained with. By default ImageNet's. */
  readonly stats?: ChannelStats;
}

/** A network that can be explained; dispose of it to free the weights that were loaded for it. */
export interface ExplainedNetwork extends Disposable {
  /** With logits, unless it has no classifier. */
  readonly model: Explained;
  /** Names of its classes; `undefined` if nobody said. */
  readonly classNames?: readonly string[];
  readonly hasClassifier: boolean;
  /** The normalisation it was trained with. */
  readonly stats: ChannelStats;
  readonly config: ModelConfig;
}

/**
 * Opens a network with a classifier. A run gets the `explained` classifier of `classifierKinds`,
 * which is fitted once and kept in the run's folder; another network has its own, or none.
 *
 * @param pause Awaited several times a second while a classifier is fitted; what it throws ends
 *   that.
 * @throws {Error} If the weights are not there.
 */
export async function openExplained(
  network: NetworkToExplain,
  pause: () => Promise<void>,
): Promise<ExplainedNetwork> {
  if ("model" in network) {
    const { model, classNames, stats = imageNetStats } = network;
    const hasClassifier = "head" in model.params || "fc" in model.params;
    const { config } = model;
    return { model, classNames, hasClassifier, stats, config, [Symbol.dispose]: () => {} };
  }
  const { of = "teacher" } = network;
  const { model, stats, [Symbol.dispose]: dispose } = await openBackbone(network);
  try {
    const weights = findSubject(network, of);
    const { classifier, classNames } = await classifierOf(
      openExperiment(network),
      of,
      weights,
      model,
      pause,
    );
    return {
      model: withClassifier(model, classifier),
      classNames,
      hasClassifier: true,
      stats,
      config: model.config,
      [Symbol.dispose]: dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

/** A network without a classifier; dispose of it to free the weights that were loaded for it. */
export interface OpenedBackbone extends Disposable {
  readonly model: Model;
  /** The normalisation it was trained with. */
  readonly stats: ChannelStats;
}

/**
 * Opens a network whose features alone are wanted.
 *
 * @throws {Error} If the weights are not there.
 */
export async function openBackbone(network: NetworkToExplain): Promise<OpenedBackbone> {
  if ("model" in network) {
    const { model, stats = imageNetStats } = network;
    return { model, stats, [Symbol.dispose]: () => {} };
  }
  const { of = "teacher" } = network;
  const { recipe: { crops: { stats } } } = openExperiment(network);
  const model = await loadSubject(network, of, findSubject(network, of));
  return { model, stats, [Symbol.dispose]: () => model[Symbol.dispose]() };
}

/** A classifier of a run's features, and the classes it tells apart. */
export interface NamedClassifier {
  readonly classifier: LinearClassifier;
  readonly classNames: readonly string[];
}

/**
 * The classifier in the run's folder, or the one that is shipped with the weights; if there is
 * none, it is fitted and kept in the folder.
 */
async function classifierOf(
  experiment: Experiment,
  of: Subject,
  weights: SubjectWeights,
  model: Model,
  pause: () => Promise<void>,
): Promise<NamedClassifier> {
  await requireSamePictures(weights.folder, experiment.key);
  const path = fittedWeightsPath(weights.folder, shortName(of));
  const version = versionOf(weights);
  const kept = readClassifier(() => openWeightsFile(path), version) ??
    shippedClassifier(weights.folder, basename(path));
  if (kept) return kept;
  const options = { kind: "explained", lrs: probeRates, pause } as const;
  await recordPictures(weights.folder, experiment.key);
  const fitted = await fitRunClassifier(experiment, model, options);
  writeClassifier(path, fitted, version);
  return fitted;
}

/** Tells these weights from others under the same name. */
export function versionOf({ version, path, checksum }: SubjectWeights): string {
  if (checksum !== undefined) return `${version} ${checksum}`;
  const written = path === undefined ? "" : Deno.statSync(path).mtime?.toISOString();
  return `${version} ${written}`;
}

function shortName(of: Subject): string {
  if (typeof of === "string") return of;
  if ("step" in of) return `step-${of.step}`;
  return createHash("sha256").update(of.weights).update(of.key ?? "").digest("hex").slice(0, 8);
}

/**
 * Reads a classifier; `undefined`, so that it is fitted again, if it is missing, damaged, or of
 * other weights.
 *
 * @param version What {@linkcode versionOf} says of the weights; by default, any will do.
 */
export function readClassifier(
  open: () => WeightsFile,
  version?: string,
): NamedClassifier | undefined {
  try {
    const { arrays, metadata } = parseSafetensors(open());
    if (version !== undefined && metadata.version !== version) return;
    const [weight, bias] = [arrays.get("weight")!.values, arrays.get("bias")!.values];
    return { classifier: { weight, bias }, classNames: JSON.parse(metadata.classNames!) };
  } catch {
    return undefined;
  }
}

/** A classifier that is shipped with the weights it was fitted to. */
function shippedClassifier(folder: RunFolder, name: string): NamedClassifier | undefined {
  const bytes = shippedRun(folder)?.file(name);
  return bytes && readClassifier(() => weightsFile(name, bytes));
}

function writeClassifier(path: string, fitted: NamedClassifier, version: string): void {
  const { arrays, metadata } = classifierContents(fitted);
  Deno.mkdirSync(join(path, ".."), { recursive: true });
  writeSafetensors(path, { arrays, metadata: { version, ...metadata } });
}

/** The contents of a classifier's file, without a version. */
export function classifierContents(
  { classifier: { weight, bias }, classNames }: NamedClassifier,
): SafetensorsFile {
  const classes = bias.length;
  return {
    arrays: new Map([
      ["weight", { shape: [weight.length / classes, classes], values: weight }],
      ["bias", { shape: [classes], values: bias }],
    ]),
    metadata: { classNames: JSON.stringify(classNames) },
  };
}
