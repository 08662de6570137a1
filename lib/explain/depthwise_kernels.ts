/**
 * Depthwise kernels as pictures and as spectra: which frequencies they pass, and how far from their
 * middle their weight lies.
 *
 * C channels, k × k weights each, S frequencies a side of a spectrum.
 */
import { namedVariables } from "lib/nn/parameters.ts";
import { takeValues } from "lib/train/reading.ts";
import * as tf from "lib/tf.ts";

/** The kernels of one depthwise convolution. */
export interface DepthwiseKernels {
  /** Official name of their layer: `stages.1.2.dwconv`. */
  readonly layer: string;
  /** k, pixels a side. */
  readonly size: number;
  /** C */
  readonly channels: number;
  /** `[C, k, k]` */
  readonly values: Float32Array;
}

/**
 * The kernels of a network's depthwise convolutions, in the order of its layers.
 *
 * @param params The network's weights. @throws {RangeError} If it has no depthwise convolution.
 */
export async function depthwiseKernels(params: object): Promise<DepthwiseKernels[]> {
  const found: Promise<DepthwiseKernels>[] = [];
  for (const [name, variable] of namedVariables(params)) {
    if (!name.endsWith("dwconv.weight")) continue;
    const [size, , channels] = variable.shape as [number, number, number];
    const values = takeValues(tf.tidy(() => variable.squeeze([3]).transpose([2, 0, 1])));
    const layer = name.slice(0, -".weight".length);
    found.push(values.then((values) => ({
      layer,
      size,
      channels,
      values: values as Float32Array,
    })));
  }
  if (found.length > 0) return await Promise.all(found);
  throw new RangeError("Cannot read depthwise kernels: the network has no layer named dwconv");
}

/** How strongly kernels pass each frequency. */
export interface KernelSpectrum {
  /** S, an even number. */
  readonly side: number;
  /**
   * `[S, S]`, 0–1: mean over the kernels of the magnitude of their Fourier transform, divided by
   * the highest. Row and column `i` are `(i − S/2) / S` cycles per position of the map, so that
   * frequency 0 is in the middle.
   */
  readonly values: Float64Array;
}

/**
 * The mean spectrum of kernels, after the zeros around each are taken in up to `side` values a side,
 * so that spectra of different kernel sizes have the same frequencies. Each kernel is scaled to
 * length 1 first; kernels of zeros are left out.
 *
 * @param side S, an even number from k on.
 * @throws {RangeError} If `side` is odd or below k, or all kernels are zeros.
 */
export function meanSpectrum(
  { size, channels, values }: Pick<DepthwiseKernels, "size" | "channels" | "values">,
  side = 32,
): KernelSpectrum {
  if (!(Number.isInteger(side / 2) && side >= size)) {
    throw new RangeError(
      `Cannot compute ${side} frequencies a side of ${size}×${size} kernels: need an even number from ${size} on`,
    );
  }
  const waves = wavesOf(size, side);
  const sum = new Float64Array(side * side);
  for (let c = 0; c < channels; c++) {
    const kernel = values.subarray(c * size * size, (c + 1) * size * size);
    const length = Math.sqrt(kernel.reduce((sum, value) => sum + value * value, 0));
    if (length > 0) addMagnitudes(sum, kernel, length, waves, size, side);
  }
  const most = sum.reduce((max, value) => Math.max(max, value), 0);
  if (most > 0) return { side, values: sum.map((value) => value / most) };
  throw new RangeError(`Cannot compute a spectrum of ${channels} kernels: all weights are 0`);
}

/** Cosines and sines of each frequency at each weight, `[S, k]`. */
interface Waves {
  readonly cos: Float64Array;
  readonly sin: Float64Array;
}

function wavesOf(size: number, side: number): Waves {
  const phases = Float64Array.from(
    { length: side * size },
    (_, i) => -2 * Math.PI * (Math.floor(i / size) - side / 2) * (i % size) / side,
  );
  return { cos: phases.map(Math.cos), sin: phases.map(Math.sin) };
}

/** Adds the magnitudes of one kernel's transform: along its rows first, then down the columns. */
function addMagnitudes(
  sum: Float64Array,
  kernel: Float32Array,
  length: number,
  { cos, sin }: Waves,
  size: number,
  side: number,
): void {
  const [re, im] = [new Float64Array(size * side), new Float64Array(size * side)];
  for (let y = 0; y < size; y++) {
    for (let u = 0; u < side; u++) {
      for (let x = 0; x < size; x++) {
        re[y * side + u]! += kernel[y * size + x]! * cos[u * size + x]!;
        im[y * side + u]! += kernel[y * size + x]! * sin[u * size + x]!;
      }
    }
  }
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      let [a, b] = [0, 0];
      for (let y = 0; y < size; y++) {
        const [c, s] = [cos[v * size + y]!, sin[v * size + y]!];
        const [r, i] = [re[y * side + u]!, im[y * side + u]!];
        a += r * c - i * s;
        b += r * s + i * c;
      }
      sum[v * side + u]! += Math.hypot(a, b) / length;
    }
  }
}

/**
 * The mean frequency of a spectrum, in cycles per position: the distance of each frequency from 0,
 * weighted by the square of how strongly it passes. Noise without any pattern has about 0.38, a
 * kernel that averages has less.
 */
export function meanFrequency({ side, values }: KernelSpectrum): number {
  return weightedDistance(values, side, side / 2) / side;
}

/**
 * How far from the middle of their kernels the weights lie: the mean distance in positions of the
 * map, weighted by the square of the weights of all kernels. Weights without any pattern have about
 * 0.38 times the kernel size.
 */
export function kernelReach(
  { size, channels, values }: Pick<DepthwiseKernels, "size" | "channels" | "values">,
): number {
  const lengths = new Float64Array(size * size);
  for (let i = 0; i < channels * size * size; i++) lengths[i % (size * size)]! += values[i]! ** 2;
  return weightedDistance(lengths.map(Math.sqrt), size, (size - 1) / 2);
}

/** Mean distance from `(middle, middle)`, weighted by the squares of the values; in steps. */
function weightedDistance(values: Float64Array, side: number, middle: number): number {
  let [sum, total] = [0, 0];
  values.forEach((value, i) => {
    const distance = Math.hypot(Math.floor(i / side) - middle, i % side - middle);
    sum += distance * value * value;
    total += value * value;
  });
  return sum / total;
}
