/**
 * A DINO run on disk: everything {@linkcode dinoStep} changes, in PyTorch's names and order of axes, so that `loadWeights`
 * and PyTorch find student and teacher in it. Schedules, data order and crops follow from the step.
 */
import * as tf from "lib/tf.ts";
import { layoutOf, torchShape } from "lib/nn/layout.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { zeroMoments } from "lib/train/adamw.ts";
import type { SavedArray } from "lib/train/saved_array.ts";
import { readSafetensors, type SafetensorsFile, writeSafetensors } from "lib/train/safetensors.ts";
import { assignSaved, toSaved } from "lib/train/weights.ts";
import type { DinoState } from "lib/ssl/dino/step.ts";

/**
 * Writes the state after `step` steps: `student.…`, `teacher.…`, `optimizer.<weight>.first|second`, `center`.
 *
 * @throws {Error} If the disk refuses; an older checkpoint at `path` is then untouched.
 */
export function saveDinoState(path: string, state: DinoState, step: number): void {
  const arrays = new Map<string, SavedArray>();
  for (const [name, variable] of stateVariables(state)) {
    arrays.set(name, toSaved(variable, layoutOf(variable)));
  }
  const weights = namedVariables(state.student.params);
  const updates: Record<string, number> = {};
  for (const [name, { first, second, steps }] of state.optimizer) {
    const layout = layoutOf(weights.get(name)!); // a moment lies as its weight does
    arrays.set(`optimizer.${name}.first`, toSaved(first, layout));
    arrays.set(`optimizer.${name}.second`, toSaved(second, layout));
    updates[name] = steps;
  }
  arrays.set("center", toSaved(state.center, "plain"));
  const metadata = { format: "pt", step: String(step), updates: JSON.stringify(updates) };
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
  for (const [name, variable] of variables) {
    assignSaved(variable, file.arrays.get(name)!, layoutOf(variable));
  }
  const weights = namedVariables(state.student.params);
  const updates = JSON.parse(file.metadata.updates!) as Record<string, number>;
  for (const [name, steps] of Object.entries(updates)) {
    const weight = weights.get(name)!;
    const moments = state.optimizer.get(name) ?? zeroMoments(weight);
    assignSaved(moments.first, file.arrays.get(`optimizer.${name}.first`)!, layoutOf(weight));
    assignSaved(moments.second, file.arrays.get(`optimizer.${name}.second`)!, layoutOf(weight));
    state.optimizer.set(name, { ...moments, steps });
  }
  state.center.dispose();
  state.center = tf.tensor1d(file.arrays.get("center")!.values);
  return Number(file.metadata.step);
}

function stateVariables({ student, teacher }: DinoState): Map<string, tf.Variable> {
  return namedVariables({ student: student.params, teacher: teacher.params });
}

function checkFits(
  path: string,
  { arrays, metadata }: SafetensorsFile,
  state: DinoState,
  variables: ReadonlyMap<string, tf.Variable>,
): void {
  const weights = namedVariables(state.student.params);
  const expected = new Map<string, readonly number[]>([["center", state.center.shape]]);
  for (const [name, variable] of variables) expected.set(name, torchShape(variable));
  for (const name of Object.keys(JSON.parse(metadata.updates ?? "{}"))) {
    const weight = weights.get(name);
    const shape = weight ? torchShape(weight) : [];
    expected.set(`optimizer.${name}.first`, shape);
    expected.set(`optimizer.${name}.second`, shape);
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
