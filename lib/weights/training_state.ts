/**
 * Saves and loads everything that training changes: weights, the optimiser's moments and a
 * checksum, with PyTorch's names and order of axes.
 */
import { crc32 } from "node:zlib";
import type * as tf from "lib/tf.ts";
import { layoutOf, torchShape } from "lib/nn/layout.ts";
import { disposeOptimizer, type OptimizerState, zeroSlot } from "lib/train/optimizer_state.ts";
import { type SavedArray, toHalf } from "./saved_array.ts";
import { readSafetensors, type SafetensorsFile, writeSafetensors } from "./safetensors.ts";
import { assignSaved, type ToSave, withSaved } from "./weights.ts";

export interface TrainingState {
  /** All variables, buffers too, by their names in the file: `student.backbone.norm.weight`. */
  readonly variables: ReadonlyMap<string, tf.Variable>;
  /** The trained variables, by the names that the optimiser has for them. */
  readonly weights: ReadonlyMap<string, tf.Variable>;
  /** Empty before the first step. */
  readonly optimizer: OptimizerState;
}

/**
 * Writes the state after `step` steps: its variables, `optimizer.<weight>.<role>` (AdamW's `first`
 * and `second` moment, SGD's `momentum`, LARS's `mu`), and a checksum.
 *
 * @returns Nothing if it is done on return, as on a CPU.
 * @throws {RangeError} If a value is not finite: such a state must not replace a good one. The
 *   message names its tensor.
 * @throws {Error} If the disk refuses. In both cases an older file at `path` is untouched.
 */
export function saveTrainingState(
  path: string,
  state: TrainingState,
  step: number,
): void | Promise<void> {
  const { variables, weights, optimizer } = state;
  const tensors: ToSave[] = [];
  for (const [name, tensor] of variables) tensors.push({ name, tensor, layout: layoutOf(tensor) });
  const updates: Record<string, number> = {};
  const roles = new Set<string>();
  for (const [name, { tensors: slot, steps }] of optimizer) {
    const layout = layoutOf(weights.get(name)!); // a moment has its weight's order of axes
    for (const [role, tensor] of Object.entries(slot)) {
      tensors.push({ name: `optimizer.${name}.${role}`, tensor, layout });
      roles.add(role);
    }
    updates[name] = steps;
  }
  const metadata = {
    format: "pt",
    step: String(step),
    updates: JSON.stringify(updates),
    roles: JSON.stringify([...roles]),
  };
  return withSaved(tensors, (arrays) => {
    checkFinite(arrays);
    writeSafetensors(path, { arrays, metadata: { ...metadata, crc32: checksumOf(arrays) } });
  });
}

/**
 * Writes variables after `step` steps in half precision, as {@linkcode halfState} has them.
 *
 * @param variables By their names in the file: `teacher.backbone.norm.weight`.
 * @returns Nothing if it is done on return, as on a CPU.
 * @throws As {@linkcode saveTrainingState} does.
 */
export function saveHalfState(
  path: string,
  variables: ReadonlyMap<string, tf.Variable>,
  step: number,
): void | Promise<void> {
  const tensors = [...variables].map(([name, tensor]): ToSave => ({
    ...{ name, tensor, layout: layoutOf(tensor) },
  }));
  return withSaved(tensors, (arrays) => {
    checkFinite(arrays);
    writeSafetensors(path, halfState(arrays, { format: "pt", step: String(step) }));
  });
}

/**
 * Networks in half precision (see `toHalf`), without the optimiser's moments: an eighth of a
 * checkpoint's size or less. It is a training state as well, with a checksum, which
 * {@linkcode loadTrainingState} and `loadWeights` can load. Accuracies on the rounded weights may
 * differ in their last digits.
 *
 * @param metadata Those of the state: its step.
 */
export function halfState(
  arrays: ReadonlyMap<string, SavedArray>,
  { format, step }: Readonly<Record<string, string>>,
): SafetensorsFile {
  const rounded = [...arrays].map(([name, array]) => [name, toHalf(array)] as const);
  // Large elements first, so that all are aligned.
  const whole = rounded.filter(([, { half }]) => !half);
  const ordered = new Map([...whole, ...rounded.filter(([, { half }]) => half)]);
  const none = { updates: "{}", roles: "[]" };
  return {
    arrays: ordered,
    metadata: { format: format!, step: step!, ...none, crc32: checksumOf(ordered) },
  };
}

function checkFinite(arrays: ReadonlyMap<string, SavedArray>): void {
  for (const [name, { values }] of arrays) {
    let probe = 0;
    for (let i = 0; i < values.length; i++) probe += values[i]! * 0; // 0 · ∞ is NaN
    if (Number.isNaN(probe)) {
      throw new RangeError(
        `Cannot save the run: ${name} is not finite; the last checkpoint stands`,
      );
    }
  }
}

/**
 * Checksum of all values, in the order of their names. It shows a wrong bit in a file of the right
 * length.
 */
export function checksumOf(arrays: ReadonlyMap<string, SavedArray>): string {
  let crc = 0;
  for (const name of [...arrays.keys()].sort()) {
    const { buffer, byteOffset, byteLength } = arrays.get(name)!.values;
    crc = crc32(new Uint8Array(buffer, byteOffset, byteLength), crc);
  }
  return crc.toString(16);
}

/**
 * Reads a state's arrays and checks that they are those that were written.
 *
 * @throws {Error} If the file is missing, cut short or damaged; the message names it.
 */
export function readTrainingState(path: string): SafetensorsFile {
  const file = readSafetensors(path);
  if (file.metadata.crc32 === checksumOf(file.arrays)) return file;
  throw new Error(`Cannot resume from ${path}: its values are not those that were saved`);
}

/**
 * Reads a state of the same networks, in place.
 *
 * @returns The number of steps it had taken.
 * @throws {Error} If the file is damaged, or of other networks; the state is then unchanged.
 */
export function loadTrainingState(path: string, state: TrainingState): number {
  const file = readTrainingState(path);
  checkFits(path, file, state);
  const { arrays, metadata } = file;
  for (const [name, variable] of state.variables) {
    assignSaved(variable, arrays.get(name)!, layoutOf(variable));
  }
  disposeOptimizer(state.optimizer);
  for (const [name, steps] of Object.entries(updatesIn(file))) {
    const weight = state.weights.get(name)!;
    const slot = zeroSlot(weight, rolesIn(file));
    for (const [role, tensor] of Object.entries(slot.tensors)) {
      assignSaved(tensor, arrays.get(`optimizer.${name}.${role}`)!, layoutOf(weight));
    }
    state.optimizer.set(name, { ...slot, steps });
  }
  return Number(metadata.step);
}

/** How often each weight was updated. */
function updatesIn({ metadata }: SafetensorsFile): Record<string, number> {
  return JSON.parse(metadata.updates ?? "{}");
}

/**
 * Names of the tensors that the optimiser keeps for each weight. Older files do not say; they are
 * AdamW's, since there was no other optimiser then.
 */
function rolesIn({ metadata }: SafetensorsFile): string[] {
  return JSON.parse(metadata.roles ?? '["first","second"]');
}

function checkFits(
  path: string,
  file: SafetensorsFile,
  { variables, weights }: TrainingState,
): void {
  const expected = new Map<string, readonly number[]>();
  for (const [name, variable] of variables) expected.set(name, torchShape(variable));
  for (const name of Object.keys(updatesIn(file))) {
    const weight = weights.get(name);
    const shape = weight ? torchShape(weight) : [];
    for (const role of rolesIn(file)) expected.set(`optimizer.${name}.${role}`, shape);
  }
  for (const [name, shape] of expected) {
    const actual = file.arrays.get(name)?.shape;
    if (actual === undefined || String(actual) !== String(shape)) {
      const there = actual === undefined ? "is missing" : `has shape [${actual}]`;
      throw new Error(
        `Cannot resume from ${path}: "${name}" ${there}, this run needs [${shape}]; give { fresh: true }`,
      );
    }
  }
}
