/** Networks to be explained, each with a classifier, without which Grad-CAM has nothing to explain. */
import { createHash } from "node:crypto";
import { join } from "@std/path";
import { createRng } from "lib/rng.ts";
import { type ChannelStats, imageNetStats } from "lib/augment/mod.ts";
import { readFeatureBank } from "lib/eval/features/feature_source.ts";
import { pooledFeatures } from "lib/eval/features/features.ts";
import { fitClassifier } from "lib/eval/probe/fit_classifier.ts";
import { cachedSource } from "lib/eval/probe/probe_sources.ts";
import { type Explained, type LinearClassifier, withClassifier } from "lib/explain/mod.ts";
import type { Model, ModelConfig } from "lib/models/mod.ts";
import { parseSafetensors, writeSafetensors } from "lib/weights/safetensors.ts";
import { openWeightsFile } from "lib/weights/weights_file.ts";
import { recipeAt, type RunKey, sizesAt } from "lib/experiments/configs/config.ts";
import { openData } from "lib/experiments/configs/data.ts";
import { bankOptions } from "lib/experiments/measure/feature_banks.ts";
import { probeRates } from "lib/experiments/measure/linear_probe.ts";
import { drive } from "lib/experiments/runs/pause.ts";
import {
  findSubject,
  type FoundSubject,
  loadSubject,
  type Subject,
} from "lib/experiments/subjects/subject.ts";

/** A network to explain: a run's, or any other. */
export type CamSubject = RunToExplain | ModelToExplain;

interface Named {
  readonly name: string;
  /** Whose output is drawn, by its official name. By default the one that the paper draws. */
  readonly layers?: readonly string[];
}

export interface RunToExplain extends Named, RunKey {
  /** By default the run's teacher. */
  readonly of?: Subject;
}

/** As `pretrained` gives it; it stays the caller's. */
export interface ModelToExplain extends Named {
  readonly model: Model;
  /** By default, its classes are numbers. */
  readonly classNames?: readonly string[];
  /** What it was trained with. By default ImageNet's. */
  readonly stats?: ChannelStats;
}

/** A network that can be explained; dispose of it to free the weights that were loaded for it. */
export interface OpenedSubject extends Disposable {
  /** With logits, unless it has no classifier. */
  readonly model: Explained;
  /** Of its classes; `undefined` if nobody said. */
  readonly classNames?: readonly string[];
  readonly hasClassifier: boolean;
  /** What it was trained with. */
  readonly stats: ChannelStats;
  readonly config: ModelConfig;
}

/**
 * Opens a network with a classifier: a run's is a linear one on its pooled features, fitted to the run's training images as
 * the paper's linear probe and kept in the run's folder; another network's is its own, if it has one.
 *
 * @param pause Awaited several times a second while a classifier is fitted; what it throws ends that.
 * @throws {Error} If the weights are not there.
 */
export async function openSubject(
  subject: CamSubject,
  pause: () => Promise<void>,
): Promise<OpenedSubject> {
  if ("model" in subject) {
    const { model, classNames, stats = imageNetStats } = subject;
    const hasClassifier = "head" in model.params || "fc" in model.params;
    const { config } = model;
    return { model, classNames, hasClassifier, stats, config, [Symbol.dispose]: () => {} };
  }
  const { of = "teacher", config, scale } = subject;
  const found = findSubject(subject, of);
  const { crops: { stats } } = recipeAt(config, scale);
  const model = await loadSubject(subject, of, found);
  const dispose = () => model[Symbol.dispose]();
  try {
    const { classifier, classNames } = await classifierOf(subject, of, found, model, pause);
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

interface NamedClassifier {
  readonly classifier: LinearClassifier;
  readonly classNames: readonly string[];
}

/** From the run's folder, or fitted and put there. */
async function classifierOf(
  key: RunKey,
  of: Subject,
  found: FoundSubject,
  model: Model,
  pause: () => Promise<void>,
): Promise<NamedClassifier> {
  const path = join(found.folder.path, `classifier-${shortName(of)}.safetensors`);
  const version = versionOf(found);
  const kept = await readClassifier(path, version);
  if (kept) return kept;
  const { config, scale, seed } = key;
  const { train } = await openData(config.data, sizesAt(config, scale));
  const { crops } = recipeAt(config, scale);
  using bank = await readFeatureBank(pooledFeatures(model), train, bankOptions(crops), pause);
  const { classNames } = train;
  const options = { numClasses: classNames.length, lrs: probeRates, epochs: 100, batchSize: 256 };
  const rng = createRng(seed).fork("explained classifier");
  const classifier = await drive(fitClassifier(cachedSource(bank), options, rng), pause);
  writeClassifier(path, { classifier, classNames }, version);
  return { classifier, classNames };
}

/** What tells these weights from others under the same name. */
function versionOf({ version, path }: FoundSubject): string {
  const written = path === undefined ? "" : Deno.statSync(path).mtime?.toISOString();
  return `${version} ${written}`;
}

function shortName(of: Subject): string {
  if (typeof of === "string") return of;
  return createHash("sha256").update(of.weights).digest("hex").slice(0, 8);
}

/** `undefined` if it is missing, damaged, or of other weights: it is fitted again. */
async function readClassifier(path: string, version: string): Promise<NamedClassifier | undefined> {
  try {
    const { arrays, metadata } = await parseSafetensors(openWeightsFile(path));
    if (metadata.version !== version) return;
    const [weight, bias] = [arrays.get("weight")!.values, arrays.get("bias")!.values];
    return { classifier: { weight, bias }, classNames: JSON.parse(metadata.classNames!) };
  } catch {
    return undefined;
  }
}

function writeClassifier(
  path: string,
  { classifier: { weight, bias }, classNames }: NamedClassifier,
  version: string,
): void {
  const classes = bias.length;
  Deno.mkdirSync(join(path, ".."), { recursive: true });
  writeSafetensors(path, {
    arrays: new Map([
      ["weight", { shape: [weight.length / classes, classes], values: weight }],
      ["bias", { shape: [classes], values: bias }],
    ]),
    metadata: { version, classNames: JSON.stringify(classNames) },
  });
}
