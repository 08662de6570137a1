/**
 * A DINO run on disk: everything {@linkcode dinoStep} changes, in PyTorch's names and order of axes, so that `loadWeights`
 * and PyTorch find student and teacher in it. There is no state of a generator or a sampler to keep: schedules, the order of the
 * images, crops and stochastic depth are functions of the seed and the step.
 */
import { crc32 } from "node:zlib";
import * as tf from "lib/tf.ts";
import { layoutOf, torchShape } from "lib/nn/layout.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { disposeOptimizer, zeroSlot } from "lib/train/optimizer_state.ts";
import type { SavedArray } from "lib/train/saved_array.ts";
import { readSafetensors, type SafetensorsFile, writeSafetensors } from "lib/train/safetensors.ts";
import { assignSaved, toSaved } from "lib/train/weights.ts";
import type { DinoState } from "lib/ssl/dino/step.ts";

/**
 * Writes the state after `step` steps: `student.…`, `teacher.…`, `optimizer.<weight>.<role>` (AdamW's `first` and
 * `second` moment, SGD's `momentum`, LARS's `mu`), `center`, and a checksum.
 *
 * @throws {RangeError} If a value is not finite: such a state must not push out a good one. The message names its tensor.
 * @throws {Error} If the disk refuses. In both cases an older checkpoint at `path` is untouched.
 */
export function saveDinoState(path: string, state: DinoState, step: number): void {
  const arrays = new Map<string, SavedArray>();
  for (const [name, variable] of stateVariables(state)) {
    arrays.set(name, toSaved(variable, layoutOf(variable)));
  }
  const weights = namedVariables(state.student.params);
  const updates: Record<string, number> = {};
  const roles = new Set<string>();
  for (const [name, { tensors, steps }] of state.optimizer) {
    const layout = layoutOf(weights.get(name)!); // a moment lies as its weight does
    for (const [role, tensor] of Object.entries(tensors)) {
      arrays.set(`optimizer.${name}.${role}`, toSaved(tensor, layout));
      roles.add(role);
    }
    updates[name] = steps;
  }
  arrays.set("center", toSaved(state.center, "plain"));
  checkFinite(arrays);
  const metadata = {
    format: "pt",
    step: String(step),
    updates: JSON.stringify(updates),
    roles: JSON.stringify([...roles]),
    crc32: checksumOf(arrays),
  };
  writeSafetensors(path, { arrays, metadata });
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

/** Of all values, in the order of the names: a file of the right length with a wrong bit in it is found out. */
function checksumOf(arrays: ReadonlyMap<string, SavedArray>): string {
  let crc = 0;
  for (const name of [...arrays.keys()].sort()) {
    const { buffer, byteOffset, byteLength } = arrays.get(name)!.values;
    crc = crc32(new Uint8Array(buffer, byteOffset, byteLength), crc);
  }
  return crc.toString(16);
}

/**
 * Reads a checkpoint's arrays and whether they are those that were written.
 *
 * @throws {Error} If the file is missing, cut short or damaged; the message names it.
 */
export function readDinoCheckpoint(path: string): SafetensorsFile {
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
export function loadDinoState(path: string, state: DinoState): number {
  const file = readDinoCheckpoint(path);
  const variables = stateVariables(state);
  checkFits(path, file, state, variables);
  for (const [name, variable] of variables) {
    assignSaved(variable, file.arrays.get(name)!, layoutOf(variable));
  }
  const weights = namedVariables(state.student.params);
  disposeOptimizer(state.optimizer);
  for (const [name, steps] of Object.entries(updatesIn(file))) {
    const weight = weights.get(name)!;
    const slot = zeroSlot(weight, rolesIn(file));
    for (const [role, tensor] of Object.entries(slot.tensors)) {
      assignSaved(tensor, file.arrays.get(`optimizer.${name}.${role}`)!, layoutOf(weight));
    }
    state.optimizer.set(name, { ...slot, steps });
  }
  state.center.dispose();
  state.center = tf.tensor1d(file.arrays.get("center")!.values);
  return Number(file.metadata.step);
}

/** How often each weight was updated. */
function updatesIn({ metadata }: SafetensorsFile): Record<string, number> {
  return JSON.parse(metadata.updates ?? "{}");
}

/** What the optimiser keeps of a weight. Checkpoints from before there was a choice are AdamW's, and do not say so. */
function rolesIn({ metadata }: SafetensorsFile): string[] {
  return JSON.parse(metadata.roles ?? '["first","second"]');
}

function stateVariables({ student, teacher }: DinoState): Map<string, tf.Variable> {
  return namedVariables({ student: student.params, teacher: teacher.params });
}

function checkFits(
  path: string,
  file: SafetensorsFile,
  state: DinoState,
  variables: ReadonlyMap<string, tf.Variable>,
): void {
  const weights = namedVariables(state.student.params);
  const expected = new Map<string, readonly number[]>([["center", state.center.shape]]);
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
