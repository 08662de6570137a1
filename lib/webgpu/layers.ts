/** GELU, affine, the end of a residual block, and patches: one number of the result at a time. */
import type * as tf from "lib/tf.ts";
import { elementwise, runElementwise } from "./elementwise.ts";
import { rowsOf, sizeOf, split } from "./program.ts";
import { columnSums, runColumnSums, sumsOfColumns } from "./sums.ts";

type Infos = readonly tf.TensorInfo[];

/**
 * WGSL: Φ(x), the normal distribution function, given e^(−x²/2), by the polynomial of the C++
 * kernels (lib/native/src/kernels/gelu.h), which keeps its digits far below zero.
 */
const normal = `
fn gauss(x: f32) -> f32 { return exp(-0.5 * x * x); }
fn normalCdf(x: f32, e: f32) -> f32 {
  let t = 1.0 / (1.0 + 0.3 * abs(x));
  var p = 0.037058488857104215;
  p = p * t - 0.1629392356324064;
  p = p * t + 0.21620060996663015;
  p = p * t - 0.06273024918929244;
  p = p * t + 0.13335077346404928;
  p = p * t + 0.09845666087832289;
  p = p * t + 0.1209892016690302;
  p = p * t + 0.1196137655907434;
  let tail = p * t * e;
  return select(1.0 - tail, tail, x < 0.0);
}
fn gelu(x: f32) -> f32 { return x * normalCdf(x, gauss(x)); }
fn geluSlope(x: f32) -> f32 {
  let e = gauss(x);
  return normalCdf(x, e) + x * e * 0.3989422804014327;
}`;

const geluShader = elementwise({
  name: "gelu",
  inputs: ["x"],
  functions: normal,
  body: "value = gelu(x[i]);",
});
const geluGradShader = elementwise({
  name: "gelu_grad",
  inputs: ["dy", "x"],
  functions: normal,
  body: "value = dy[i] * geluSlope(x[i]);",
});
const biasGeluShader = elementwise({
  name: "bias_gelu",
  inputs: ["x", "bias"],
  uniforms: ["columns"],
  functions: normal,
  body: "value = gelu(x[i] + bias[i % uniforms.columns]);",
});
const biasGeluGradShader = elementwise({
  name: "bias_gelu_grad",
  inputs: ["dy", "x", "bias"],
  uniforms: ["columns"],
  functions: normal,
  body: "value = dy[i] * geluSlope(x[i] + bias[i % uniforms.columns]);",
});

export function gelu([x]: Infos): tf.TensorInfo[] {
  return [runElementwise(geluShader, [x!], x!.shape)];
}

export function geluGrad([dy, x]: Infos): tf.TensorInfo[] {
  return [runElementwise(geluGradShader, [dy!, x!], x!.shape)];
}

export function biasGelu([x, bias]: Infos): tf.TensorInfo[] {
  return [runElementwise(biasGeluShader, [x!, bias!], x!.shape, [rowsOf(x!).columns])];
}

/** @returns dx and dbias */
export function biasGeluGrad([dy, x, bias]: Infos): tf.TensorInfo[] {
  const size = rowsOf(x!);
  const dx = runElementwise(biasGeluGradShader, [dy!, x!, bias!], x!.shape, [size.columns]);
  return [dx, ...split(runColumnSums(sumsOfColumns, [dx], size), [[size.columns]])];
}

const affineShader = elementwise({
  name: "affine",
  inputs: ["x", "scale", "shift"],
  uniforms: ["columns"],
  body: `let c = i % uniforms.columns;
    value = x[i] * scale[c] + shift[c];`,
});

export function affine([x, scale, shift]: Infos): tf.TensorInfo[] {
  return [runElementwise(affineShader, [x!, scale!, shift!], x!.shape, [rowsOf(x!).columns])];
}

const residualShader = elementwise({
  name: "scaled_residual",
  inputs: ["x", "branch", "bias", "gamma", "keep"],
  uniforms: ["columns", "ofImage"],
  body: `let c = i % uniforms.columns;
    value = x[i] + (branch[i] + bias[c]) * gamma[c] * keep[i / uniforms.ofImage];`,
});
const residualGradShader = elementwise({
  name: "scaled_residual_grad",
  inputs: ["dy", "gamma", "keep"],
  uniforms: ["columns", "ofImage"],
  body: "value = dy[i] * gamma[i % uniforms.columns] * keep[i / uniforms.ofImage];",
});
const residualSums = columnSums({
  name: "scaled_residual_sums",
  inputs: ["dy", "branch", "bias", "gamma", "keep"],
  uniforms: ["ofImage"],
  before: "let g = dy[i] * keep[i / uniforms.ofImage];",
  terms: ["g * gamma[column]", "g * (branch[i] + bias[column])"],
});

/** Numbers of one image in x: `keep` has a factor for each image, or one for all. */
function ofImage(x: tf.TensorInfo, keep: tf.TensorInfo): number {
  return Math.max(1, sizeOf(x) / Math.max(1, sizeOf(keep)));
}

/** @param inputs x, branch, bias, gamma, keep */
export function scaledResidual(inputs: Infos): tf.TensorInfo[] {
  const [x, , , , keep] = inputs as [tf.TensorInfo, ...tf.TensorInfo[]];
  return [runElementwise(residualShader, inputs, x.shape, [rowsOf(x).columns, ofImage(x, keep!)])];
}

/**
 * @param inputs dy, branch, bias, gamma, keep
 * @returns dbranch, dbias, dgamma
 */
export function scaledResidualGrad(inputs: Infos): tf.TensorInfo[] {
  const [dy, branch, , gamma, keep] = inputs as [tf.TensorInfo, ...tf.TensorInfo[]];
  const size = rowsOf(dy), one = ofImage(dy, keep!);
  const grad = runElementwise(residualGradShader, [dy, gamma!, keep!], branch!.shape, [
    size.columns,
    one,
  ]);
  const sums = runColumnSums(residualSums, inputs, size, [one]);
  return [grad, ...split(sums, [[size.columns], [size.columns]])];
}

/** The sizes of a map, and the side of its patches. */
const patchUniforms = ["height", "width", "channels", "side"];
/** Every number of the patches finds its place in the map. */
const patchesShader = elementwise({
  name: "patches",
  inputs: ["x"],
  uniforms: patchUniforms,
  body: `let s = uniforms.side;
    let c = i % uniforms.channels;
    let inner = i / uniforms.channels % (s * s);
    let cell = i / (uniforms.channels * s * s);
    let across = uniforms.width / s;
    let down = uniforms.height / s;
    let row = cell / across % down * s + inner / s;
    let column = cell % across * s + inner % s;
    let image = cell / (across * down);
    value = x[((image * uniforms.height + row) * uniforms.width + column) * uniforms.channels + c];`,
});
/** The other way round: every place of the map finds its number in the patches, if it has one. */
const patchesGradShader = elementwise({
  name: "patches_grad",
  inputs: ["dy"],
  uniforms: patchUniforms,
  body: `let s = uniforms.side;
    let c = i % uniforms.channels;
    let column = i / uniforms.channels % uniforms.width;
    let row = i / (uniforms.channels * uniforms.width) % uniforms.height;
    let image = i / (uniforms.channels * uniforms.width * uniforms.height);
    let across = uniforms.width / s;
    let down = uniforms.height / s;
    if (row < down * s && column < across * s) {
      let cell = (image * down + row / s) * across + column / s;
      value = dy[(cell * s * s + row % s * s + column % s) * uniforms.channels + c];
    }`,
});

/** @param inputs x `[B, H, W, C]` */
export function patches([x]: Infos, { size }: { readonly size: number }): tf.TensorInfo[] {
  const [images, height, width, channels] = x!.shape as [number, number, number, number];
  const shape = [
    images,
    Math.floor(height / size),
    Math.floor(width / size),
    size * size * channels,
  ];
  return [runElementwise(patchesShader, [x!], shape, [height, width, channels, size])];
}

/** What {@linkcode patchesGrad} needs: the side of the patches, and the map's height and width. */
export interface PatchSizes {
  readonly size: number;
  readonly height: number;
  readonly width: number;
}

/** @returns dx `[B, H, W, C]`, with zeros where no patch was. */
export function patchesGrad([dy]: Infos, { size, height, width }: PatchSizes): tf.TensorInfo[] {
  const { rows, columns } = rowsOf(dy!);
  const channels = columns / (size * size);
  const images = rows / (Math.floor(height / size) * Math.floor(width / size));
  const shape = [images, height, width, channels];
  return [runElementwise(patchesGradShader, [dy!], shape, [height, width, channels, size])];
}
