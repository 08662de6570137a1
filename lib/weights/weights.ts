/** Loads and saves a network's weights, with PyTorch's names and order of axes in the file. */
import * as tf from "lib/tf.ts";
import { moveToDevice } from "lib/tf_adapter.ts";
import type { WeightsForm, WeightsFormat } from "lib/models/mod.ts";
import { absolutePath } from "lib/paths.ts";
import { fromTorchOrder, type Layout, layoutOf, torchShape, toTorchOrder } from "lib/nn/layout.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { readsAtOnce, takeValues } from "lib/train/reading.ts";
import { readWeights } from "./read_weights.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { SavedArray } from "./saved_array.ts";
import type { WeightsContents } from "./weights_contents.ts";
import { findNames, listed, type OfficialNames } from "./weight_names.ts";

/** What has weights: a `Model`, or any tree of variables. */
export interface WeightsTarget {
  /** Paths are the official names. */
  readonly params: object;
  /** Says what another library's names mean. */
  readonly officialNames?: OfficialNames;
  /** The form of the weights in another code's files. */
  weightsForm?(format: WeightsFormat): WeightsForm | undefined;
}

/** What has to fit, and which of a file's networks to take. */
export interface LoadWeightsOptions {
  /** Throw unless file and network have the same weights. By default, yes. */
  readonly strict?: boolean;
  /**
   * Which of the file's dictionaries: `"student"`, `"state_dict.backbone"`. By default the one that
   * fits; where a teacher and its student both fit, the teacher, and of MoCo v3's and MoBY's
   * networks the one that is no average. The key is needed where others fit
   * equally, such as weights and their running average.
   */
  readonly key?: string;
}

/** A weight whose shape differs; both in PyTorch's order. */
export interface Misshapen {
  /** Name of the weight in the network. */
  readonly name: string;
  /** Shape in the file. */
  readonly there: readonly number[];
  /** Shape in the network. */
  readonly here: readonly number[];
}

/** What became of each name. */
export interface LoadReport {
  /**
   * What stands before the names in the file: `teacher.backbone.`, or nothing. Names that begin
   * otherwise were not looked at.
   */
  readonly prefix: string;
  /** Weights of the network that now have the file's values. */
  readonly loaded: readonly string[];
  /** Weights of the network that the file lacks; they keep their values. */
  readonly missing: readonly string[];
  /** Names in the file that the network has no place for. */
  readonly unexpected: readonly string[];
  /** Weights whose shape in the file differs from the network's; they keep their values. */
  readonly misshapen: readonly Misshapen[];
  /**
   * What the file holds beside usable weights: objects by class (`pathlib.PosixPath (2)`), arrays
   * of types that are not read, and layers that this library never builds.
   */
  readonly leftOut: readonly string[];
}

/**
 * Loads a safetensors, PyTorch or NumPy file, wherever in it the weights are (DDP's `module.`,
 * DINO's `teacher.backbone.`, …) and whichever library's names it uses. For a checkpoint in several
 * files, `path` is the `.index.json` or the folder.
 *
 * @throws {Error} If the file cannot be read, holds none of the weights, holds the network several
 *   times, or, when strict, has any missing, unexpected or misshapen. Nothing is changed then.
 *
 * @example
 * ```ts
 * import { loadWeights, saveWeights } from "lib/experiments/mod.ts";
 * import { bcSslConfig, createModel } from "lib/models/mod.ts";
 * import { createRng } from "lib/rng.ts";
 * import { assertEquals, assertTrue } from "lib/testing/assert.ts";
 *
 * using theirs = createModel(bcSslConfig("atto"), createRng(0));
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await saveWeights(theirs, path);
 *
 * using ours = createModel(bcSslConfig("atto"), createRng(1));
 * const { loaded, missing } = await loadWeights(ours, path);
 * assertTrue(loaded.includes("stages.0.0.dwconv.weight"), "PyTorch's names");
 * assertEquals(missing, []);
 * await Deno.remove(path);
 * ```
 */
export async function loadWeights(
  target: WeightsTarget,
  givenPath: string,
  { strict = true, key }: LoadWeightsOptions = {},
): Promise<LoadReport> {
  const path = absolutePath(givenPath);
  const refuse = (why: string) => new Error(`Cannot load weights from ${path}: ${why}`);
  const contents = await readWeights(path);
  const variables = namedVariables(target.params);
  const { report, matched } = match(target, variables, contents, key, refuse);
  const { loaded, missing, unexpected, misshapen } = report;
  const differs = missing.length + unexpected.length + misshapen.length > 0;
  if (loaded.length === 0 || (strict && differs)) {
    throw refuse(describe(report) + shardHint(path, report));
  }
  for (const [variable, saved] of matched) assignSaved(variable, saved, layoutOf(variable));
  return report;
}

function match(
  { officialNames }: WeightsTarget,
  variables: ReadonlyMap<string, tf.Variable>,
  contents: WeightsContents,
  key: string | undefined,
  refuse: (why: string) => Error,
): { readonly report: LoadReport; readonly matched: Map<tf.Variable, SavedArray> } {
  const { arrays, unreadable } = contents;
  const wanted = new Set(variables.keys());
  const found = findNames(
    [...arrays.keys(), ...unreadable.keys()],
    wanted,
    officialNames,
    key,
    refuse,
  );
  const matched = new Map<tf.Variable, SavedArray>();
  const [loaded, missing, misshapen]: [string[], string[], Misshapen[]] = [[], [], []];
  for (const [name, variable] of variables) {
    const parts = found.names.get(name)?.map((inFile) => readable(inFile, contents, refuse));
    const here = torchShape(variable);
    const saved = parts && joined(parts);
    if (saved === undefined) missing.push(name);
    else if (!sameElements(saved.shape, here)) {
      misshapen.push({ name, there: saved.shape, here });
    } else {
      matched.set(variable, { ...saved, shape: here });
      loaded.push(name);
    }
  }
  const unexpected = found.unexpected.filter((name) => !unreadable.has(name));
  const leftOut = [
    ...found.leftOut,
    ...found.unexpected.filter((name) => unreadable.has(name)),
    ...[...contents.leftOut].map(([what, count]) => count > 1 ? `${what} (${count})` : what),
  ];
  const report = { prefix: found.prefix, loaded, missing, unexpected, misshapen, leftOut };
  return { report, matched };
}

/** An array that the network needs. */
function readable(
  name: string,
  { arrays, unreadable }: WeightsContents,
  refuse: (why: string) => Error,
): SavedArray {
  const array = arrays.get(name);
  if (array) return array;
  throw refuse(`its weight "${name}" cannot be read: ${unreadable.get(name)}`);
}

/** One array of equal parts, along the first axis; as it is if there is one. */
function joined(parts: readonly SavedArray[]): SavedArray {
  const [first] = parts as readonly [SavedArray, ...SavedArray[]];
  if (parts.length === 1) return first;
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0);
  const values = new Float32Array(parts.reduce((sum, { values }) => sum + values.length, 0));
  let at = 0;
  for (const part of parts) {
    values.set(part.values, at);
    at += part.values.length;
  }
  const equal = parts.every(({ shape }) => String(shape) === String(first.shape));
  return { shape: equal ? [rows, ...first.shape.slice(1)] : [values.length, 1], values };
}

/**
 * Whether two shapes are of the same elements in the same order: a linear layer may be saved as a
 * 1×1 convolution.
 */
function sameElements(there: readonly number[], here: readonly number[]): boolean {
  const core = (shape: readonly number[]) => shape.join().replace(/(?:,1)+$/, "");
  return core(there) === core(here);
}

/** A hint, for a message, if `path` is one of several files of a checkpoint. */
function shardHint(path: string, { missing }: LoadReport): string {
  const isShard = /-\d{5}-of-\d{5}\.\w+$/.test(path);
  return isShard && missing.length > 0
    ? "; it is one of several files: give the .index.json beside it, or their folder"
    : "";
}

function describe({ loaded, missing, unexpected, misshapen }: LoadReport): string {
  const shapes = misshapen.map(({ name, there, here }) =>
    `${name} is [${there.join(", ")}] there and [${here.join(", ")}] here${
      channelHint(there, here)
    }`
  );
  const parts = [["missing", missing], ["unexpected", unexpected], ["misshapen", shapes]] as const;
  const counts = parts.filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${names.length} ${what} (${listed(names)})`);
  const rest = loaded.length > 0
    ? `{ strict: false } takes the other ${loaded.length}`
    : "no weight fits";
  return `${counts.join(", ")}; ${rest}`;
}

/**
 * A hint, for a message, that a first convolution was trained on pictures with another number of
 * channels than three.
 */
function channelHint(there: readonly number[], here: readonly number[]): string {
  const others = String(there.toSpliced(1, 1)) === String(here.toSpliced(1, 1));
  return there.length === 4 && others && here[1] === 3
    ? `: it was trained on pictures of ${there[1]} channel${there[1] === 1 ? "" : "s"}, not 3`
    : "";
}

/** The form of the file to write, and texts to store in it. */
export interface SaveWeightsOptions {
  /**
   * The code that will read the file; by default that of the network's authors. A plain tree of
   * variables has one form only.
   */
  readonly format?: WeightsFormat;
  /** Free-form strings, kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a safetensors file that the code named by `format` loads as it is, with `strict=True`: its
 * names, its buffers, PyTorch's order of axes, float32.
 *
 * @returns Nothing if it is done on return, as on a CPU.
 * @throws {RangeError} If that code has no such network.
 * @throws {Error} If the disk refuses. In both cases the file that stood there before is untouched.
 *
 * @example
 * ```ts
 * import { saveWeights } from "lib/experiments/mod.ts";
 * import { bcSslConfig, createModel } from "lib/models/mod.ts";
 * import { createRng } from "lib/rng.ts";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * using model = createModel(bcSslConfig("atto"), createRng(0));
 * const path = await Deno.makeTempFile({ suffix: ".safetensors" });
 * await saveWeights(model, path, { metadata: { note: "not trained" } });
 * assertTrue(Deno.statSync(path).size > 4e6, "a million weights and more, four bytes each");
 * await Deno.remove(path);
 * ```
 */
export function saveWeights(
  target: WeightsTarget,
  path: string,
  { format = "official", metadata = {} }: SaveWeightsOptions = {},
): void | Promise<void> {
  const form = formOf(target, format);
  const tensors = [...namedVariables(target.params)].map(([name, tensor]) => (
    { name, tensor, layout: layoutOf(tensor) }
  ));
  return withSaved(tensors, (saved) => {
    const arrays = arraysOf(saved, form);
    // safetensors' own writer for PyTorch says `format` too.
    const all = { arrays, metadata: { format: "pt", ...metadata } };
    writeSafetensors(absolutePath(path), all);
  });
}

/** The arrays of a file in the form that another code reads. */
function arraysOf(
  weights: ReadonlyMap<string, SavedArray>,
  form: WeightsForm | undefined,
): Map<string, SavedArray> {
  const arrays = new Map<string, SavedArray>();
  for (const [name, saved] of weights) {
    const shape = form?.shapeOf?.(name, saved.shape) ?? saved.shape;
    const names = form?.namesOf(name) ?? [name];
    names.forEach((theirs, i) => arrays.set(theirs, sliceOf({ ...saved, shape }, i, names.length)));
    const counter = names[0]!.replace(/running_var$/, "num_batches_tracked");
    if (form && counter !== names[0]) arrays.set(counter, noBatches);
  }
  for (const [name, buffer] of form?.buffers?.() ?? []) arrays.set(name, buffer);
  return arrays;
}

/**
 * What PyTorch's BatchNorm counts beside its statistics; nothing reads it while momentum is a
 * number.
 */
const noBatches: SavedArray = { shape: [], values: Float32Array.of(0), integers: true };

/** `undefined` for a tree of variables that is no network. */
function formOf(
  { weightsForm, params }: WeightsTarget,
  format: WeightsFormat,
): WeightsForm | undefined {
  if (!weightsForm && format === "official") return undefined;
  const form = weightsForm?.(format);
  if (form) return form;
  const count = namedVariables(params).size;
  throw new RangeError(
    `Cannot save ${count} weights as "${format}": that code has no such network; leave format out`,
  );
}

/** One of equal parts along the first axis. */
function sliceOf({ shape, values }: SavedArray, part: number, parts: number): SavedArray {
  const length = values.length / parts;
  return {
    shape: parts === 1 ? shape : [shape[0]! / parts, ...shape.slice(1)],
    values: values.subarray(part * length, (part + 1) * length),
  };
}

/** A tensor with its name in the file. */
export interface ToSave {
  readonly name: string;
  readonly tensor: tf.Tensor;
  readonly layout: Layout;
}

/**
 * Reads tensors, and hands their values by name to `write`.
 *
 * @returns Nothing if `write` has been called on return, as on a CPU. A GPU is read asynchronously;
 *   the values are those at the time of the call.
 */
export function withSaved(
  tensors: readonly ToSave[],
  write: (arrays: Map<string, SavedArray>) => void,
): void | Promise<void> {
  if (!readsAtOnce()) return savedLater(tensors).then(write);
  write(new Map(tensors.map(({ name, tensor, layout }) => [name, toSaved(tensor, layout)])));
}

async function savedLater(tensors: readonly ToSave[]): Promise<Map<string, SavedArray>> {
  const ordered = tensors.map(({ tensor, layout }) => toTorchOrder(tensor, layout));
  const values = await Promise.all(ordered.map(takeValues));
  return new Map(
    tensors.map(({ name }, i) => [name, { shape: ordered[i]!.shape, values: values[i]! }]),
  );
}

/** The values in PyTorch's order. */
function toSaved(value: tf.Tensor, layout: Layout): SavedArray {
  const ordered = toTorchOrder(value, layout);
  // Outside of `tidy`, which would look for tensors in each element: a hundred times as slow.
  const values = ordered.dataSync<"float32">();
  ordered.dispose();
  return { shape: ordered.shape, values };
}

/**
 * Sets a variable from values in PyTorch's order; their shape must be its {@linkcode torchShape}.
 */
export function assignSaved(
  variable: tf.Variable,
  { shape, values }: SavedArray,
  layout: Layout,
): void {
  tf.tidy(() => variable.assign(fromTorchOrder(tf.tensor(values, [...shape], "float32"), layout)));
  moveToDevice(variable);
}
