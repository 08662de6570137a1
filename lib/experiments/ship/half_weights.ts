/**
 * Networks of a checkpoint in half precision, without the optimiser's moments: an eighth of its
 * size or less.
 *
 * A float16 has 11 significant bits, so a weight moves by at most 1/2048 of itself; below 6e-5 the
 * steps are 6e-8 apart. Accuracies on the rounded weights may differ in their last digits.
 */
import type { SavedArray } from "lib/weights/saved_array.ts";
import type { SafetensorsFile } from "lib/weights/safetensors.ts";
import { checksumOf, readTrainingState } from "lib/weights/training_state.ts";

/**
 * Reads some weights of a checkpoint and rounds them. The result is a training state as well, with
 * a checksum and without moments, which `loadTrainingState` and `loadWeights` can load.
 *
 * Arrays with one axis (biases, scales, statistics of norms) stay float32: they take two hundredths
 * of the bytes, and a small variance would lose most of its digits. So does an array with a value
 * too large for a float16.
 *
 * @param keeps Whether to keep the array of this name: `teacher.backbone.norm.weight`.
 * @throws {Error} If the checkpoint is missing or damaged; the message names it.
 */
export function halfWeights(path: string, keeps: (name: string) => boolean): SafetensorsFile {
  const { arrays, metadata: { format, step } } = readTrainingState(path);
  const kept = [...arrays].filter(([name]) => keeps(name));
  const rounded = kept.map(([name, array]) => [name, toHalf(array)] as const);
  // Large elements first, so that all are aligned.
  const whole = rounded.filter(([, { half }]) => !half);
  const ordered = new Map([...whole, ...rounded.filter(([, { half }]) => half)]);
  const none = { updates: "{}", roles: "[]" };
  return {
    arrays: ordered,
    metadata: { format: format!, step: step!, ...none, crc32: checksumOf(ordered) },
  };
}

/** Rounds an array to float16, unless it is one of those that {@linkcode halfWeights} leaves. */
export function toHalf({ shape, values }: SavedArray): SavedArray {
  if (shape.length < 2) return { shape, values };
  const rounded = new Float32Array(new Float16Array(values));
  return rounded.every(Number.isFinite)
    ? { shape, values: rounded, half: true }
    : { shape, values };
}
