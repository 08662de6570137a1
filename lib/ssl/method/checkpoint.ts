/**
 * Checkpoints: everything that a step changes, with PyTorch's names and order of axes, so that
 * `loadWeights` and PyTorch can load the networks. Random generators and samplers have no state to
 * save: schedules, the order of the images, views and stochastic depth depend on the seed and the
 * step alone.
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
 * @returns Nothing if it is done on return, as on a CPU.
 * @throws {RangeError} If a value is not finite: such a state must not replace a good one. The
 *   message names the tensor.
 * @throws {Error} If the disk refuses. In both cases an older checkpoint at `path` is untouched.
 */
export function saveTraining(
  path: string,
  training: Training,
  step: number,
): void | Promise<void> {
  return saveTrainingState(path, trainingState(training), step);
}

/**
 * Loads a checkpoint of the same method and networks into `training`.
 *
 * @returns The number of steps that the run had taken.
 * @throws {Error} If the file is damaged, or of other networks; the state is then unchanged.
 */
export function loadTraining(path: string, training: Training): number {
  return loadTrainingState(path, trainingState(training));
}

function trainingState({ method: { state, weights }, optimizer }: Training): TrainingState {
  return { variables: state, weights, optimizer };
}
