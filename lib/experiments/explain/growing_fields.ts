/** The verb `growingFields`: the effective receptive field of a network as its training goes on. */
import { recipeAt } from "lib/experiments/configs/config.ts";
import { evaluated } from "lib/experiments/runs/evaluations.ts";
import { interruptible } from "lib/experiments/runs/pause.ts";
import { findSubject } from "lib/experiments/subjects/subject.ts";
import type { TrainingMoment } from "lib/experiments/subjects/snapshots.ts";
import {
  drawnSide,
  type FieldOfWeights,
  fieldShares,
  joinSeeds,
  measureField,
  mosaics,
  mosaicSizes,
  type SavedField,
} from "./trained_fields.ts";

/** The receptive field of a network at a moment of its training. */
export interface FieldAtMoment extends FieldOfWeights {
  /** The moment in words: `epoch 4`. */
  readonly name: string;
  /** Side in pixels of the images that the network is trained on. */
  readonly trainedOn: number;
  /** Side in pixels of the images that the field is measured on; no square is larger. */
  readonly measuredOn: number;
}

/**
 * Measures the effective receptive field of a run's network at moments of its training, as
 * `trainedFields` does before and after it. Results are kept in the run's folder.
 *
 * @param moments As `snapshots` lists them.
 * @returns One field for each, in their order.
 * @throws {RangeError} If there is no moment.
 * @throws {Error} If the weights are not there, or `signal` was aborted: results so far are kept.
 */
export async function growingFields(
  moments: readonly TrainingMoment[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<FieldAtMoment[]> {
  if (moments.length === 0) throw new RangeError("Cannot measure fields: there is no moment");
  const fields: FieldAtMoment[] = [];
  for (const moment of moments) {
    const { measuredOn, field } = await fieldAt(moment, signal);
    const { globalSize: trainedOn } = recipeAt(moment.config, moment.scale).crops;
    fields.push({ name: moment.name, trainedOn, measuredOn, ...joinSeeds([field]) });
  }
  return fields;
}

/** The field at one moment, from the run's folder if it has it. */
async function fieldAt(
  { of, step, ...key }: TrainingMoment,
  signal: AbortSignal | undefined,
): Promise<{ readonly measuredOn: number; readonly field: SavedField }> {
  const { folder, version } = findSubject(key, of);
  const options = { of, version, ...mosaicSizes[key.scale], shares: fieldShares, drawnSide };
  return await evaluated(folder, { name: "receptive_field", options, fresh: false }, async () => {
    const pause = interruptible(`the receptive field of ${folder.id} at step ${step}`, signal);
    const images = await mosaics(key);
    return { measuredOn: images.width, field: await measureField(key, of, images, pause) };
  });
}
