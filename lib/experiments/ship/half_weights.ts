/** Networks of a checkpoint in half precision. */
import type { SafetensorsFile } from "lib/weights/safetensors.ts";
import { halfState, readTrainingState } from "lib/weights/training_state.ts";

/**
 * Reads some weights of a checkpoint and rounds them, as `halfState` does.
 *
 * @param keeps Whether to keep the array of this name: `teacher.backbone.norm.weight`.
 * @throws {Error} If the checkpoint is missing or damaged; the message names it.
 */
export function halfWeights(path: string, keeps: (name: string) => boolean): SafetensorsFile {
  const { arrays, metadata } = readTrainingState(path);
  return halfState(new Map([...arrays].filter(([name]) => keeps(name))), metadata);
}
