/** Exercises about networks: convolutions, norms, tokens, and how large a kernel is beside its map. */
import { asks } from "lib/report/exercises/exercise_types.ts";

export const networkExercises = {
  /** Positions a side of a convolution's output. */
  outputSide: asks(
    "00c_models",
    (side: number, kernel: number, stride: number, padding: number) =>
      Math.floor((side + 2 * padding - kernel) / stride) + 1,
    [14, 9, 1, 4], // "same": the map keeps its size
    [32, 4, 4, 0], // patches of 4 pixels
    [7, 2, 2, 0], // a last row that is left over
  ),
  /** Weights of a depthwise and of a full convolution, without biases. */
  kernelWeights: asks(
    "00c_models",
    (channels: number, kernel: number) => [channels * kernel ** 2, channels ** 2 * kernel ** 2],
    [96, 7],
    [384, 15],
  ),
  /** Side in pixels of what one position sees after convolutions of stride 1. */
  fieldSide: asks(
    "00c_models",
    (kernels: number[]) => 1 + kernels.reduce((sum, kernel) => sum + kernel - 1, 0),
    [[3]],
    [[3, 3, 3]],
    [[9, 15]],
  ),
  /** Number of a ViT's tokens, the class token too. */
  tokenCount: asks(
    "01_vanilla_convnext",
    (imageSide: number, patchSize: number) => (imageSide / patchSize) ** 2 + 1,
    [224, 16],
    [80, 16],
  ),
  /** Steps of a training; an incomplete last batch is left out. */
  trainingSteps: asks(
    "01_vanilla_convnext",
    (images: number, batchSize: number, epochs: number) => Math.floor(images / batchSize) * epochs,
    [6699, 64, 20],
    [1_281_167, 1024, 300],
  ),
  /** A batch of values with mean 0 and variance 1, before scale and offset. */
  batchNormalised: asks(
    "02_batchnorm",
    (values: number[], epsilon: number) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
      return values.map((value) => (value - mean) / Math.sqrt(variance + epsilon));
    },
    [[1, 2, 3, 6], 1e-5],
    [[5, 5], 1e-5],
  ),
  /** A convolution's weight with the BatchNorm behind it folded in. */
  foldedWeight: asks(
    "02_batchnorm",
    (weight: number, gamma: number, variance: number, epsilon: number) =>
      weight * gamma / Math.sqrt(variance + epsilon),
    [0.5, 2, 15.99, 0.01],
    [-1, 0.5, 0.99, 0.01],
  ),
  /** Side of a kernel as a share of the side of the map that it slides over. */
  kernelShare: asks(
    "03_kernel_size",
    (kernel: number, imageSide: number, stride: number) => kernel / (imageSide / stride),
    [9, 224, 16],
    [9, 80, 8],
    [15, 32, 16],
  ),
  /** Multiply-adds of a depthwise convolution that keeps the map's size. */
  multiplyAdds: asks(
    "03_kernel_size",
    (side: number, channels: number, kernel: number) => side ** 2 * channels * kernel ** 2,
    [14, 384, 9],
    [10, 32, 15],
  ),
};
