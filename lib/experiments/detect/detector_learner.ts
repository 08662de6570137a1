/** A Mask R-CNN as what a run drives, from its backbone's first weights on. */
import { evaluateDetections } from "lib/detect/score/coco_metrics.ts";
import { openAnnotatedPictures } from "lib/detect/training/training_pictures.ts";
import { openDetectorBatches } from "lib/detect/training/detector_batches.ts";
import { detectInSet } from "lib/detect/detect_in_set.ts";
import { detectorLength } from "lib/detect/training/detector_recipe.ts";
import { createMaskRcnn, type MaskRcnn } from "lib/detect/network/mask_rcnn.ts";
import { type DetectorState, trainDetector } from "lib/detect/training/train_detector.ts";
import { copyTree } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import {
  disposeTrainedModel,
  loadTrainedModel,
  saveTrainedModel,
} from "lib/weights/trained_model.ts";
import { listed } from "lib/weights/weight_names.ts";
import { loadWeights } from "lib/weights/weights.ts";
import type { DetectionData } from "lib/experiments/detect/detection_data.ts";
import {
  type BackboneOrigin,
  type DetectorKey,
  detectorRecipeAt,
  originRun,
  shownAt,
} from "lib/experiments/detect/detector_config.ts";
import type { Learner } from "lib/experiments/runs/learner.ts";
import { findSubject, loadSubject } from "lib/experiments/subjects/subject.ts";

/** Classes and background. */
export function numClassesOf({ train }: DetectionData): number {
  return train.categories.length + 1;
}

/**
 * At step 0.
 *
 * @param warn Told of each picture that is damaged, if the config has those left out.
 * @throws {Error} If the backbone's first weights are not there, or of another network.
 */
export async function detectorLearner(
  key: DetectorKey,
  data: DetectionData,
  warn: (line: string) => void,
): Promise<Learner> {
  const { config, scale, seed } = key;
  const recipe = detectorRecipeAt(config, scale);
  const rng = createRng(seed).fork("detector");
  const model = createMaskRcnn(
    { ...config.model, numClasses: numClassesOf(data) },
    rng.fork("init"),
  );
  await loadBackbone(model, key).catch((error) => {
    model[Symbol.dispose]();
    throw error;
  });
  const state: DetectorState = { model, optimizer: new Map() };
  const onDamage = { onFault: faultsOf(key), log: once(warn) };
  const reader = openAnnotatedPictures(data.train, onDamage);
  const { totalSteps } = detectorLength(recipe, reader.images.length);
  return {
    batchSize: recipe.batchSize,
    totalSteps,
    train(done, wait, readsAt) {
      const batches = openDetectorBatches(reader, recipe, rng.fork("augment"));
      return trainDetector(state, batches, recipe, { rng, done, wait, readsAt });
    },
    measure: async (pause) => {
      const options = { ...shownAt(config, scale), ...onDamage, batchSize: recipe.batchSize };
      const { detections, set } = await detectInSet(model, data.val, options, pause);
      const box = evaluateDetections(set, detections, "box").metrics;
      await pause();
      const mask = evaluateDetections(set, detections, "mask").metrics;
      return { ...measured("box", box), ...measured("mask", mask) };
    },
    alarms: () => [], // labels hold a collapse off
    save: (path, step) => saveTrainedModel(path, state, step),
    load: (path) => loadTrainedModel(path, state),
    [Symbol.dispose]: () => disposeTrainedModel(state),
  };
}

/** Every monitor comes upon the same damage. */
function once(warn: (line: string) => void): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    if (!told.has(line)) warn(line);
    told.add(line);
  };
}

/** What the config has done about damaged pictures. */
export function faultsOf({ config: { data } }: DetectorKey): "leave out" | "stop" {
  return data.kind === "coco" ? data.onFault ?? "leave out" : "stop";
}

/** `boxAp`, `boxAp50`, …: those that there are objects for. */
function measured(
  region: "box" | "mask",
  metrics: Readonly<Record<string, number>>,
): Record<string, number> {
  const known = Object.entries(metrics).filter(([, value]) => !Number.isNaN(value));
  return Object.fromEntries(
    known.map(([name, value]) => [region + name[0]!.toUpperCase() + name.slice(1), value]),
  );
}

async function loadBackbone({ body }: MaskRcnn, key: DetectorKey): Promise<void> {
  const { pretrained } = key.config;
  if (pretrained === null) return;
  const run = originRun(key);
  if (run) {
    const found = findSubject(run.key, run.of);
    using model = await loadSubject(run.key, run.of, found, { backboneOnly: true });
    return copyTree(model.params, body.params);
  }
  const { weights, key: inFile } = pretrained as Extract<BackboneOrigin, { weights: string }>;
  const { missing, misshapen } = await loadWeights(body, weights, { strict: false, key: inFile });
  const wrong = [...missing, ...misshapen.map(({ name }) => name)];
  if (wrong.length === 0) return;
  throw new Error(`Cannot start from ${weights}: it does not fit the backbone in ${listed(wrong)}`);
}
