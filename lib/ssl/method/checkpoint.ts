/**
 * A run on disk: everything that a step changes, in PyTorch's names and order of axes, so that
 * `loadWeights` and PyTorch find the networks in it. No generator or sampler has a state to keep:
 * schedules, the order of the images, views and stochastic depth are functions of the seed and the
 * step.
 */
import {
  loadTrainingState,
  saveTrainingState,
  type TrainingState,
} from "lib/weights/training_state.ts";
import type { Training } from "./step.ts";

/**
 * Writes the state after `step` steps: the method's tensors under their names,
 * `optimizer.<weight>.<role>`, and a checksum.
 *
 * @throws {RangeError} If a value is not finite: such a state must not push out a good one. The
 *   message names its tensor.
 * @throws {Error} If the disk refuses. In both cases an older checkpoint at `path` is untouched.
 */
export function saveTraining(path: string, training: Training, step: number): void {
  saveTrainingState(path, trainingState(training), step);
}

/**
 * Reads a state of the same method with the same networks, in place.
 *
 * @returns The number of steps it had taken.
 * @throws {Error} If the file is damaged, or of other networks; the state is then unchanged.
 */
export function loadTraining(path: string, training: Training): number {
  return loadTrainingState(path, trainingState(training));
}

function trainingState({ method: { state, weights }, optimizer }: Training): TrainingState {
  return { variables: state, weights, optimizer };
}
