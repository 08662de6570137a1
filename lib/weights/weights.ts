/** A network's weights from and to files, in PyTorch's names and order of axes: both ways without a conversion by hand. */
import * as tf from "lib/tf.ts";
import { absolutePath } from "lib/paths.ts";
import { fromTorchOrder, type Layout, layoutOf, torchShape, toTorchOrder } from "lib/nn/layout.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { readWeights } from "lib/weights/read_weights.ts";
import { writeSafetensors } from "lib/weights/safetensors.ts";
import type { SavedArray } from "lib/weights/saved_array.ts";
import { findNames, listed, type OfficialNames } from "lib/weights/weight_names.ts";

/** What has weights: a `Model`, or any tree of variables. */
export interface WeightsTarget {
  /** Paths are the official names. */
  readonly params: object;
  /** Says what another library's names mean. */
  readonly officialNames?: OfficialNames;
}

export interface LoadWeightsOptions {
  /** Throw unless file and network have the same weights. By default, yes. */
  readonly strict?: boolean;
  /** Which of the file's dictionaries: `"student"`. By default the one that fits; of a DINO checkpoint, the teacher. */
  readonly key?: string;
}

/** A weight whose shape differs; both in PyTorch's order. */
export interface Misshapen {
  readonly name: string;
  readonly there: readonly number[];
  readonly here: readonly number[];
}

/** What became of each name. */
export interface LoadReport {
  /** What stood before the names in the file: `teacher.backbone.`, or nothing. What is beside it was not looked at. */
  readonly prefix: string;
  readonly loaded: readonly string[];
  /** Weights of the network that the file lacks; they keep their values. */
  readonly missing: readonly string[];
  /** Names in the file that the network has no place for. */
  readonly unexpected: readonly string[];
  readonly misshapen: readonly Misshapen[];
}

/**
 * Loads a safetensors, PyTorch or NumPy file, wherever in it the weights are (DDP's `module.`, DINO's
 * `teacher.backbone.`, …) and whichever library's names it uses.
 *
 * @throws {Error} If the file cannot be read, holds none of the weights, or, when strict, has any missing, unexpected or
 *   misshapen. Nothing is changed then.
 */
export async function loadWeights(
  target: WeightsTarget,
  givenPath: string,
  { strict = true, key }: LoadWeightsOptions = {},
): Promise<LoadReport> {
  const path = absolutePath(givenPath);
  const refuse = (why: string) => new Error(`Cannot load weights from ${path}: ${why}`);
  const arrays = await readWeights(path);
  const variables = namedVariables(target.params);
  const { report, matched } = match(target, variables, arrays, key, refuse);
  const { loaded, missing, unexpected, misshapen } = report;
  const differs = missing.length + unexpected.length + misshapen.length > 0;
  if (loaded.length === 0 || (strict && differs)) throw refuse(describe(report));
  for (const [variable, saved] of matched) assignSaved(variable, saved, layoutOf(variable));
  return report;
}

function match(
  { officialNames }: WeightsTarget,
  variables: ReadonlyMap<string, tf.Variable>,
  arrays: ReadonlyMap<string, SavedArray>,
  key: string | undefined,
  refuse: (why: string) => Error,
): { readonly report: LoadReport; readonly matched: Map<tf.Variable, SavedArray> } {
  const wanted = new Set(variables.keys());
  const found = findNames([...arrays.keys()], wanted, officialNames, key, refuse);
  const matched = new Map<tf.Variable, SavedArray>();
  const [loaded, missing, misshapen]: [string[], string[], Misshapen[]] = [[], [], []];
  for (const [name, variable] of variables) {
    const inFile = found.names.get(name);
    const saved = inFile === undefined ? undefined : arrays.get(inFile);
    const here = torchShape(variable);
    if (saved === undefined) missing.push(name);
    else if (String(saved.shape) !== String(here)) {
      misshapen.push({ name, there: saved.shape, here });
    } else {
      matched.set(variable, saved);
      loaded.push(name);
    }
  }
  const { prefix, unexpected } = found;
  return { report: { prefix, loaded, missing, unexpected, misshapen }, matched };
}

function describe({ loaded, missing, unexpected, misshapen }: LoadReport): string {
  const shapes = misshapen.map(({ name, there, here }) =>
    `${name} is [${there.join(", ")}] there and [${here.join(", ")}] here`
  );
  const parts = [["missing", missing], ["unexpected", unexpected], ["misshapen", shapes]] as const;
  const counts = parts.filter(([, names]) => names.length > 0)
    .map(([what, names]) => `${names.length} ${what} (${listed(names)})`);
  const rest = loaded.length > 0
    ? `{ strict: false } takes the other ${loaded.length}`
    : "no weight fits";
  return `${counts.join(", ")}; ${rest}`;
}

export interface SaveWeightsOptions {
  /** Free-form strings, kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes a safetensors file that PyTorch loads as it is: official names, PyTorch's order of axes, float32.
 *
 * @throws {Error} If the disk refuses; the file that stood there before is then untouched.
 */
export function saveWeights(
  { params }: Pick<WeightsTarget, "params">,
  path: string,
  { metadata = {} }: SaveWeightsOptions = {},
): void {
  const arrays = new Map<string, SavedArray>();
  for (const [name, variable] of namedVariables(params)) {
    arrays.set(name, toSaved(variable, layoutOf(variable)));
  }
  writeSafetensors(absolutePath(path), { arrays, metadata: { format: "pt", ...metadata } }); // as safetensors' own writer says
}

/** The values in PyTorch's order. */
export function toSaved(value: tf.Tensor, layout: Layout): SavedArray {
  const ordered = toTorchOrder(value, layout);
  // Not out of a `tidy`, which looks for tensors in each element of what it returns: a hundred times as slow.
  const values = ordered.dataSync<"float32">();
  ordered.dispose();
  return { shape: ordered.shape, values };
}

/** Sets a variable from values in PyTorch's order; their shape must be its {@linkcode torchShape}. */
export function assignSaved(
  variable: tf.Variable,
  { shape, values }: SavedArray,
  layout: Layout,
): void {
  tf.tidy(() => variable.assign(fromTorchOrder(tf.tensor(values, [...shape], "float32"), layout)));
}
