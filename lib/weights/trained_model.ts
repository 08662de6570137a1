/** One network in training, and its checkpoints. */
import { namedVariables } from "lib/nn/parameters.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { loadTrainingState, saveTrainingState, type TrainingState } from "./training_state.ts";

/** The part of a network that its training needs here. */
interface Trainable extends Disposable {
  /** Tree of variables. */
  readonly params: object;
}

/** Everything that a step changes, and so everything that a checkpoint holds. */
export interface TrainedModel<M extends Trainable = Trainable> {
  readonly model: M;
  /** What the optimiser keeps of the weights; empty before the first step. */
  readonly optimizer: OptimizerState;
}

/** Frees all tensors. */
export function disposeTrainedModel({ model, optimizer }: TrainedModel): void {
  model[Symbol.dispose]();
  disposeOptimizer(optimizer);
}

/**
 * Writes the state after `step` steps: `model.…`, `optimizer.<weight>.<role>`, and a checksum.
 *
 * @returns Nothing if it is done on return, as on a CPU.
 * @throws {Error} For the reasons of {@linkcode saveTrainingState}.
 */
export function saveTrainedModel(
  path: string,
  trained: TrainedModel,
  step: number,
): void | Promise<void> {
  return saveTrainingState(path, stateOf(trained), step);
}

/**
 * Reads a state of the same network, in place.
 *
 * @returns The number of steps it had taken.
 * @throws {Error} If the file is damaged, or of another network; the state is then unchanged.
 */
export function loadTrainedModel(path: string, trained: TrainedModel): number {
  return loadTrainingState(path, stateOf(trained));
}

function stateOf({ model, optimizer }: TrainedModel): TrainingState {
  return {
    variables: namedVariables({ model: model.params }),
    weights: namedVariables(model.params),
    optimizer,
  };
}
