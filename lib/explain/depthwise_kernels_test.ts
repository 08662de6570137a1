import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import {
  depthwiseKernels,
  kernelReach,
  meanFrequency,
  meanSpectrum,
} from "lib/explain/depthwise_kernels.ts";
import { assertClose, assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";

/** The mean spectrum by the definition of the discrete Fourier transform, one sum a frequency. */
function spectrumByDefinition(kernels: readonly (readonly number[])[], k: number, side: number) {
  const sum = Array.from({ length: side * side }, (_, i) => {
    const [v, u] = [Math.floor(i / side) - side / 2, i % side - side / 2];
    return kernels.reduce((total, kernel) => {
      let [re, im] = [0, 0];
      kernel.forEach((weight, at) => {
        const phase = -2 * Math.PI * (v * Math.floor(at / k) + u * (at % k)) / side;
        re += weight * Math.cos(phase);
        im += weight * Math.sin(phase);
      });
      return total + Math.hypot(re, im) / Math.hypot(...kernel);
    }, 0);
  });
  const most = Math.max(...sum);
  return sum.map((value) => value / most);
}

for (const [k, side] of [[3, 8], [5, 16], [4, 6]] as const) {
  Deno.test(`meanSpectrum() of ${k}×${k} kernels is that of the definition, at ${side} frequencies`, () => {
    const rng = createRng(k);
    const kernels = [0, 1, 2].map(() =>
      Array.from({ length: k * k }, () => Math.fround(rng.normal()))
    );
    const values = Float32Array.from(kernels.flat());
    const found = meanSpectrum({ size: k, channels: 3, values }, side);
    assertClose(found.values, spectrumByDefinition(kernels, k, side), 1e-9);
  });
}

Deno.test("meanSpectrum() leaves kernels of zeros out, and passes all frequencies of a single weight alike", () => {
  const values = new Float32Array(18);
  values[4] = -2; // one weight in the middle of the first of two kernels
  const { values: flat } = meanSpectrum({ size: 3, channels: 2, values }, 4);
  assertClose(flat, Array(16).fill(1), 1e-12);
  const zeros = { size: 3, channels: 1, values: new Float32Array(9) };
  assertThrows(() => meanSpectrum(zeros), RangeError, "all weights are 0");
  assertThrows(() => meanSpectrum({ size: 3, channels: 2, values }, 5), RangeError, "even number");
});

Deno.test("meanFrequency() and kernelReach() are mean distances by squared weight", () => {
  // a mean of two columns passes no frequency along the rows of 1/2 cycle, and all along the columns
  const values = new Float64Array(16);
  values[2 * 4 + 2] = 1; // frequency 0
  values[2 * 4 + 0] = 1; // 1/2 cycle along a row
  assertClose(meanFrequency({ side: 4, values }), 0.25, 1e-12);
  const kernels = Float32Array.from([...[0, 0, 0, 0, 1, 0, 0, 0, 0], ...[
    2,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
  ]]);
  assertClose(kernelReach({ size: 3, channels: 2, values: kernels }), 4 * Math.SQRT2 / 5, 1e-6);
});

Deno.test("depthwiseKernels() reads each dwconv of a network, channels first", async () => {
  const weight = tf.variable(tf.tensor4d([1, 10, 2, 20, 3, 30, 4, 40], [2, 2, 2, 1]));
  const params = { stages: [[{ dwconv: { weight }, pwconv1: { weight } }]] };
  const before = tf.memory().numTensors;
  assertEquals(await depthwiseKernels(params), [{
    layer: "stages.0.0.dwconv",
    size: 2,
    channels: 2,
    values: Float32Array.from([1, 2, 3, 4, 10, 20, 30, 40]),
  }]);
  assertEquals(tf.memory().numTensors, before);
  await assertRejects(
    () => depthwiseKernels({ conv1: { weight } }),
    RangeError,
    "no layer named dwconv",
  );
  weight.dispose();
});
