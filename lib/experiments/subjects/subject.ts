/** The subjects of evaluations: a network of a run, or any file of weights. */
import { absolutePath } from "lib/paths.ts";
import { createRng } from "lib/rng.ts";
import { createModel, type Model } from "lib/models/mod.ts";
import { withKeptLayers } from "lib/ssl/method/kept_layers.ts";
import { checkpointKey, createKeptLayers, type Recipe } from "lib/ssl/methods.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { bestPath, listCheckpoints, listSnapshots } from "lib/runs/checkpoints.ts";
import { backboneStream, firstWeights } from "lib/ssl/method/network.ts";
import { listed } from "lib/weights/weight_names.ts";
import { loadWeights, type WeightsTarget } from "lib/weights/weights.ts";
import { recipeAt, type RunKey } from "lib/experiments/configs/config.ts";
import { folderOf, type RunFolder, runFolder } from "lib/experiments/runs/run_folder.ts";
import { readStatus } from "lib/experiments/runs/run_status.ts";
import { shippedRun, shippedWeights, unavailableLine } from "lib/experiments/runs/shipped.ts";
import { NotSavedError } from "lib/experiments/runs/saved_only.ts";
import { twinId } from "./supervised_twin.ts";

/**
 * The network to evaluate:
 * - `teacher`: the network that is kept after training, from the run's last checkpoint: a moving
 *   average as in DINO, or as in BYOL and MoCo v3 the network that the gradient trains.
 * - `student`: the network that the gradient trains, from the last checkpoint. Where that one is
 *   kept, it is the same as `teacher`.
 * - `best`: like `teacher`, but from the checkpoint with the best k-NN.
 * - `init`: the network with its first weights, before training.
 * - `supervised`: the same network trained with labels, from the last checkpoint of that run.
 * - a step: the `teacher` as it was after this step, if these weights were kept: see `snapshots`.
 * - a file: weights of the same network, in any format that `loadWeights` reads; `key` says which
 *   of its dictionaries, where the network is in several.
 */
export type Subject =
  | "teacher"
  | "student"
  | "best"
  | "init"
  | "supervised"
  | { readonly step: number }
  | { readonly weights: string; readonly key?: string };

/** The input of an evaluation: a network's features, or the pixels themselves. */
export type SubjectOrPixels = Subject | "pixels";

/** Where the weights of a subject are. */
export interface SubjectWeights {
  /** The folder of the run, which holds the results of its evaluations. */
  readonly folder: RunFolder;
  /** The file of weights; `undefined` if they are drawn from the seed, or if there are none. */
  readonly path?: string;
  /** Text that changes when the file gets other weights. */
  readonly version: string;
  /** For shipped weights, a text that tells them from others of the same version. */
  readonly checksum?: string;
  /** Why the weights cannot be loaded: they belong to a run that is shipped without them. */
  readonly unavailable?: string;
}

/**
 * Finds a subject's weights without reading them. For `pixels`, which have no weights, it gives the
 * folder of the run that they are compared with.
 *
 * @throws {Error} If they are not there; the message says which verb makes them.
 */
export function findSubject(key: RunKey, of: SubjectOrPixels): SubjectWeights {
  const folder = runFolder(key);
  if (typeof of === "object") {
    if ("step" in of) return findShipped(folder, key, of) ?? weightsAt(folder, of.step);
    return {
      folder,
      ...fileVersion(absolutePath(of.weights), "give the path of a file of weights"),
    };
  }
  switch (of) {
    case "pixels":
      return { folder, version: "as they are" };
    case "init":
      return { folder, version: "seed" };
    case "supervised": {
      const twin = folderOf(twinId(key));
      return findShipped(twin, key, of) ?? newest(twin, "supervised");
    }
    case "best": {
      const shipped = findShipped(folder, key, of);
      if (shipped !== undefined) return shipped;
      const { version } = fileVersion(bestPath(folder.path), notTrained);
      const step = readStatus(folder)?.best?.step;
      return { folder, path: bestPath(folder.path), version: step ? `step ${step}` : version };
    }
    case "teacher":
    case "student":
      return findShipped(folder, key, of) ?? newest(folder, "pretrain");
    default: {
      const unknown: never = of;
      throw new RangeError(
        `Unknown subject "${unknown}": use teacher, student, best, init, supervised, or { weights: path }`,
      );
    }
  }
}

const notTrained = "call pretrain() with the same options";

/** Finds a run's last checkpoint. @param verb Trains the run: `pretrain`. */
function newest(folder: RunFolder, verb: string): SubjectWeights {
  const file = listCheckpoints(folder.path)[0];
  if (file) return { folder, path: file.path, version: `step ${file.step}` };
  throw new NotSavedError(
    `Run ${folder.id} is not in outputs/: call ${verb}() with the same options`,
  );
}

/** Finds the teacher after a step of a run that is trained here: a snapshot or the last checkpoint. */
function weightsAt(folder: RunFolder, step: number): SubjectWeights {
  const files = [...listSnapshots(folder.path), ...listCheckpoints(folder.path).slice(0, 1)];
  const file = files.find((file) => file.step === step);
  if (file) return { folder, path: file.path, version: `step ${step}` };
  const steps = files.map((file) => file.step).join(", ") || "no step";
  throw new NotSavedError(
    `Cannot load step ${step} of ${folder.id}: outputs/ has the weights of ${steps}; snapshots() lists them`,
  );
}

/** Finds weights of a run that is shipped; `undefined` if it is trained here, or not there. */
function findShipped(
  folder: RunFolder,
  { config, scale }: RunKey,
  of: "teacher" | "student" | "best" | "supervised" | { readonly step: number },
): SubjectWeights | undefined {
  const run = shippedRun(folder);
  if (run === undefined) return undefined;
  const retrain = `${of === "supervised" ? of : "pretrain"}(config, { scale, seed, fresh: true })`;
  const at = typeof of === "object" ? of.step : of === "best" ? run.status.best?.step : undefined;
  const weights = shippedWeights(run, { at, retrain });
  const recipe = recipeAt(config, scale);
  const isTeacher = of !== "student" ||
    checkpointKey(recipe, "student") === checkpointKey(recipe, "teacher");
  if (isTeacher) return { folder, ...weights };
  const { version, unavailable } = weights;
  const lacks = unavailable ?? unavailableLine(run.id, "without its student", retrain);
  return { folder, version, unavailable: lacks };
}

function fileVersion(path: string, hint: string): { path: string; version: string } {
  try {
    const { size, mtime } = Deno.statSync(path);
    return { path, version: `${size} bytes of ${mtime?.toISOString()}` };
  } catch {
    throw new Error(`There is no ${path}: ${hint}`);
  }
}

/**
 * Loads the network of a subject; the caller owns it. Weights of other parts in the file, such as a
 * classifier, are ignored.
 *
 * @param options.backboneOnly Leaves out the layers of a head that are evaluated with the backbone,
 *   as in SimCLRv2. By default, they are there.
 * @throws {NotSavedError} If the run is shipped without these weights.
 * @throws {Error} If the file cannot be read, or lacks one of the network's weights.
 */
export async function loadSubject(
  { config, scale, seed }: RunKey,
  of: Subject,
  { path, unavailable }: SubjectWeights,
  { backboneOnly = false }: { readonly backboneOnly?: boolean } = {},
): Promise<Model> {
  if (unavailable !== undefined) throw new NotSavedError(unavailable);
  const recipe = recipeAt(config, scale);
  const backbone = createModel(recipe.model, backboneStream(seed));
  const kept = of === "supervised" || backboneOnly
    ? undefined
    : createKeptLayers(recipe, backbone.featureDim, firstWeights(createRng(seed)));
  const model = kept === undefined ? backbone : withKeptLayers(backbone, kept);
  if (path === undefined) return model;
  try {
    const key = keyOf(recipe, of);
    await loadAll(backbone, path, key);
    if (kept !== undefined) await loadAll({ params: kept.params }, path, key);
    return model;
  } catch (error) {
    disposeTree(model.params);
    throw error;
  }
}

/** Loads all weights of a network from a file, which may hold others too. */
async function loadAll(target: WeightsTarget, path: string, key: string | undefined) {
  const { missing, misshapen } = await loadWeights(target, path, { strict: false, key });
  const wrong = [...missing, ...misshapen.map(({ name }) => name)];
  if (wrong.length > 0) {
    throw new Error(`Cannot evaluate ${path}: it does not fit the network in ${listed(wrong)}`);
  }
}

/** The prefix of a subject's weights in its file; `undefined` if the file has only one network. */
function keyOf(recipe: Recipe, of: Subject): string | undefined {
  if (typeof of === "object" && "weights" in of) return of.key;
  if (of === "best" || typeof of === "object") return checkpointKey(recipe, "teacher");
  return of === "teacher" || of === "student" ? checkpointKey(recipe, of) : undefined;
}
