/** A DINO run on disk: everything {@linkcode dinoStep} changes. Schedules, data order and crops follow from the step. */
import * as tf from "lib/tf.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { zeroMoments } from "lib/train/adamw.ts";
import type { SavedArray } from "lib/train/saved_array.ts";
import { readSafetensors, type SafetensorsFile, writeSafetensors } from "lib/train/safetensors.ts";
import type { DinoState } from "lib/ssl/dino/step.ts";

/**
 * Writes the state after `step` steps: `student.…`, `teacher.…`, `optimizer.<weight>.first|second`, `center`.
 *
 * @throws {Error} If the disk refuses; an older checkpoint at `path` is then untouched.
 */
export function saveDinoState(path: string, state: DinoState, step: number): void {
  const arrays = new Map<string, SavedArray>();
  const add = (name: string, tensor: tf.Tensor) =>
    arrays.set(name, { shape: tensor.shape, values: tensor.dataSync<"float32">() });
  for (const [name, variable] of stateVariables(state)) add(name, variable);
  const updates: Record<string, number> = {};
  for (const [name, { first, second, steps }] of state.optimizer) {
    add(`optimizer.${name}.first`, first);
    add(`optimizer.${name}.second`, second);
    updates[name] = steps;
  }
  add("center", state.center);
  const metadata = { step: String(step), updates: JSON.stringify(updates) };
  writeSafetensors(path, { arrays, metadata });
}

/**
 * Reads a state of the same networks, in place.
 *
 * @returns The number of steps it had taken.
 * @throws {Error} If the file is damaged, or of other networks; the state is then unchanged.
 */
export function loadDinoState(path: string, state: DinoState): number {
  const file = readSafetensors(path);
  const variables = stateVariables(state);
  checkFits(path, file, state, variables);
  for (const [name, variable] of variables) assign(variable, file.arrays.get(name)!);
  const weights = namedVariables(state.student.params);
  const updates = JSON.parse(file.metadata.updates!) as Record<string, number>;
  for (const [name, steps] of Object.entries(updates)) {
    const moments = state.optimizer.get(name) ?? zeroMoments(weights.get(name)!);
    assign(moments.first, file.arrays.get(`optimizer.${name}.first`)!);
    assign(moments.second, file.arrays.get(`optimizer.${name}.second`)!);
    state.optimizer.set(name, { ...moments, steps });
  }
  state.center.dispose();
  state.center = tf.tensor1d(file.arrays.get("center")!.values);
  return Number(file.metadata.step);
}

function stateVariables({ student, teacher }: DinoState): Map<string, tf.Variable> {
  return namedVariables({ student: student.params, teacher: teacher.params });
}

function assign(variable: tf.Variable, { shape, values }: SavedArray): void {
  tf.tidy(() => variable.assign(tf.tensor(values, [...shape], "float32")));
}

function checkFits(
  path: string,
  { arrays, metadata }: SafetensorsFile,
  state: DinoState,
  variables: ReadonlyMap<string, tf.Variable>,
): void {
  const weights = namedVariables(state.student.params);
  const expected = new Map<string, readonly number[]>([["center", state.center.shape]]);
  for (const [name, variable] of variables) expected.set(name, variable.shape);
  for (const name of Object.keys(JSON.parse(metadata.updates ?? "{}"))) {
    expected.set(`optimizer.${name}.first`, weights.get(name)?.shape ?? []);
    expected.set(`optimizer.${name}.second`, weights.get(name)?.shape ?? []);
  }
  for (const [name, shape] of expected) {
    const actual = arrays.get(name)?.shape;
    if (actual === undefined || String(actual) !== String(shape)) {
      const there = actual === undefined ? "is missing" : `has shape [${actual}]`;
      throw new Error(
        `Cannot resume from ${path}: "${name}" ${there}, this run needs [${shape}]; give { fresh: true }`,
      );
    }
  }
}
