/**
 * A DINO run on disk: everything {@linkcode dinoStep} changes, in PyTorch's names and order of axes, so that `loadWeights`
 * and PyTorch find student and teacher in it. There is no state of a generator or a sampler to keep: schedules, the order of the
 * images, crops and stochastic depth are functions of the seed and the step.
 */
import * as tf from "lib/tf.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import {
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
} from "lib/weights/training_state.ts";
import type { DinoState } from "./step.ts";

/**
 * Writes the state after `step` steps: `student.…`, `teacher.…`, `optimizer.<weight>.<role>`, `center`, and a checksum.
 *
 * @throws {RangeError} If a value is not finite: such a state must not push out a good one. The message names its tensor.
 * @throws {Error} If the disk refuses. In both cases an older checkpoint at `path` is untouched.
 */
export function saveDinoState(path: string, state: DinoState, step: number): void {
  saveTrainingState(path, trainingState(state), step);
}

/**
 * Reads a state of the same networks, in place.
 *
 * @returns The number of steps it had taken.
 * @throws {Error} If the file is damaged, or of other networks; the state is then unchanged.
 */
export function loadDinoState(path: string, state: DinoState): number {
  const { step, arrays } = loadTrainingState(path, trainingState(state));
  state.center.dispose();
  state.center = tf.tensor1d(arrays.get("center")!.values);
  return step;
}

function trainingState({ student, teacher, optimizer, center }: DinoState): TrainingState {
  return {
    variables: namedVariables({ student: student.params, teacher: teacher.params }),
    weights: namedVariables(student.params),
    optimizer,
    others: { center },
  };
}
