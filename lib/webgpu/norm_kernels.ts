/** LayerNorm, BatchNorm, L2 normalisation and softmax, with their gradients. */
import type * as tf from "lib/tf.ts";
import { elementwise, runElementwise } from "./elementwise.ts";
import { release, rowsOf, run, type Shader, sizeOf, split } from "./program.ts";
import { forColumns, rowOperation, runRows } from "./row_operations.ts";
import { columnSums, partsOf, runColumnSums, sumsOfColumns } from "./sums.ts";

type Infos = readonly tf.TensorInfo[];

/** The shape of x with a last axis of one. */
function lastAxisOne({ shape }: tf.TensorInfo): number[] {
  return [...shape.slice(0, -1), 1];
}

// ---- LayerNorm

const layerStatistics = rowOperation({
  name: "layer_norm_statistics",
  inputs: ["x"],
  uniforms: ["eps: f32"],
  body: `
    var sum = 0.0;
    ${forColumns("sum += x[i];")}
    let mean = rowSum(sum) / f32(uniforms.columns);
    sum = 0.0;
    ${forColumns("sum += (x[i] - mean) * (x[i] - mean);")}
    let variance = rowSum(sum) / f32(uniforms.columns);
    if (localIndex == 0u) {
      result[row] = mean;
      result[uniforms.rows + row] = 1.0 / sqrt(variance + uniforms.eps);
    }`,
});

const layerNormShader = elementwise({
  name: "layer_norm",
  inputs: ["x", "statistics", "weight", "bias"],
  uniforms: ["rows", "columns"],
  body: `let row = i / uniforms.columns;
    let c = i % uniforms.columns;
    value = (x[i] - statistics[row]) * statistics[uniforms.rows + row] * weight[c] + bias[c];`,
});

/**
 * @param inputs x `[…, C]`, weight, bias
 * @returns y, mean and 1/√(σ² + eps), both `[…, 1]`
 */
export function layerNorm(
  [x, weight, bias]: Infos,
  { eps }: { readonly eps: number },
): tf.TensorInfo[] {
  const size = rowsOf(x!), one = lastAxisOne(x!);
  const statistics = runRows(layerStatistics, [x!], size, [2, size.rows], [eps]);
  const y = runElementwise(layerNormShader, [x!, statistics, weight!, bias!], x!.shape, [
    size.rows,
    size.columns,
  ]);
  return [y, ...split(statistics, [one, one])];
}

const layerNormGradShader = rowOperation({
  name: "layer_norm_grad",
  inputs: ["dy", "x", "mean", "rstd", "weight"],
  body: `
    let m = mean[row];
    let s = rstd[row];
    var shift = 0.0;
    var slope = 0.0;
    ${forColumns("let d = dy[i] * weight[column]; shift += d; slope += d * (x[i] - m) * s;")}
    let count = f32(uniforms.columns);
    let a = rowSum(shift) / count;
    let b = rowSum(slope) / count;
    ${forColumns("result[i] = (dy[i] * weight[column] - a - (x[i] - m) * s * b) * s;")}`,
});
const layerNormSums = columnSums({
  name: "layer_norm_sums",
  inputs: ["dy", "x", "mean", "rstd"],
  terms: ["dy[i] * (x[i] - mean[row]) * rstd[row]", "dy[i]"],
});

/**
 * @param inputs dy, x, mean, rstd, weight
 * @returns dx, dweight, dbias
 */
export function layerNormGrad(inputs: Infos): tf.TensorInfo[] {
  const x = inputs[1]!, size = rowsOf(x);
  const dx = runRows(layerNormGradShader, inputs, size, x.shape);
  const sums = runColumnSums(layerNormSums, inputs.slice(0, 4), size);
  return [dx, ...split(sums, [[size.columns], [size.columns]])];
}

// ---- BatchNorm

const columnsAtOnce = 32, lanes = 8;

/** Mean, and the sum of squared distances from it, of a part of the rows: `[2, parts, columns]`. */
const partMoments: Shader = {
  name: "batch_norm_part_moments",
  inputs: ["x"],
  uniforms: ["rows", "columns", "parts", "perPart"],
  threads: columnsAtOnce * lanes,
  code: `
var<workgroup> sums: array<f32, ${columnsAtOnce * lanes}>;
fn laneSum(x: f32) -> f32 {
  workgroupBarrier();
  sums[i32(localIndex)] = x;
  workgroupBarrier();
  var total = 0.0;
  for (var lane = 0; lane < ${lanes}; lane++) {
    total += sums[lane * ${columnsAtOnce} + i32(localIndex) % ${columnsAtOnce}];
  }
  return total;
}
fn main() {
  let column = i32(workgroupId.x) * ${columnsAtOnce} + i32(localIndex) % ${columnsAtOnce};
  let part = i32(workgroupId.y);
  let begin = part * uniforms.perPart;
  let end = select(begin, min(begin + uniforms.perPart, uniforms.rows), column < uniforms.columns);
  let first = begin + i32(localIndex) / ${columnsAtOnce};
  var sum = 0.0;
  for (var row = first; row < end; row += ${lanes}) { sum += x[row * uniforms.columns + column]; }
  let mean = laneSum(sum) / f32(max(1, end - begin));
  sum = 0.0;
  for (var row = first; row < end; row += ${lanes}) {
    let d = x[row * uniforms.columns + column] - mean;
    sum += d * d;
  }
  let squares = laneSum(sum);
  if (i32(localIndex) < ${columnsAtOnce} && column < uniforms.columns) {
    result[part * uniforms.columns + column] = mean;
    result[(uniforms.parts + part) * uniforms.columns + column] = squares;
  }
}`,
};

/** Joins the parts (Chan et al. 1979), and moves the running statistics: `[4, columns]`. */
const moments = elementwise({
  name: "batch_norm_moments",
  inputs: ["x", "runningMean", "runningVariance"],
  uniforms: ["rows", "columns", "parts", "perPart", "eps: f32", "momentum: f32"],
  body: `
    let c = i % uniforms.columns;
    let all = f32(uniforms.rows);
    var mean = 0.0;
    for (var part = 0; part < uniforms.parts; part++) {
      let count = min(uniforms.perPart, uniforms.rows - part * uniforms.perPart);
      mean += x[part * uniforms.columns + c] * (f32(count) / all);
    }
    var squares = 0.0;
    for (var part = 0; part < uniforms.parts; part++) {
      let count = min(uniforms.perPart, uniforms.rows - part * uniforms.perPart);
      let d = x[part * uniforms.columns + c] - mean;
      squares += x[(uniforms.parts + part) * uniforms.columns + c] + d * d * f32(count);
    }
    switch i / uniforms.columns {
      case 0: { value = mean; }
      case 1: { value = 1.0 / sqrt(squares / all + uniforms.eps); }
      case 2: { value = runningMean[c] + (mean - runningMean[c]) * uniforms.momentum; }
      default: {
        let unbiased = squares / max(1.0, all - 1.0);
        value = runningVariance[c] + (unbiased - runningVariance[c]) * uniforms.momentum;
      }
    }`,
});

/** The constants of a BatchNorm in training. */
export interface BatchNormConstants {
  readonly eps: number;
  readonly momentum: number;
}

/** @returns Mean, 1/√(σ² + eps), and the moved running statistics, as one tensor `[4, C]`. */
function packedMoments(
  [x, mean, variance]: Infos,
  { eps, momentum }: BatchNormConstants,
): tf.TensorInfo {
  const { rows, columns } = rowsOf(x!);
  const { parts, perPart } = partsOf(rows);
  const partial = run(partMoments, [x!], {
    shape: [2, parts, columns],
    groups: [Math.ceil(columns / columnsAtOnce), parts],
    uniforms: [rows, columns, parts, perPart],
  });
  const uniforms = [rows, columns, parts, perPart, eps, momentum];
  const packed = runElementwise(moments, [partial, mean!, variance!], [4, columns], uniforms);
  release(partial);
  return packed;
}

/**
 * @param inputs x `[…, C]`, running mean, running variance
 * @returns The batch's mean and 1/√(σ² + eps), and the moved running statistics, all `[C]`
 */
export function batchMoments(inputs: Infos, constants: BatchNormConstants): tf.TensorInfo[] {
  const { columns } = rowsOf(inputs[0]!);
  return split(packedMoments(inputs, constants), Array.from({ length: 4 }, () => [columns]));
}

const batchNormShader = elementwise({
  name: "batch_norm",
  inputs: ["x", "statistics", "weight", "bias"],
  uniforms: ["columns"],
  body: `let c = i % uniforms.columns;
    value = (x[i] - statistics[c]) * statistics[uniforms.columns + c] * weight[c] + bias[c];`,
});

/**
 * @param inputs x `[…, C]`, weight, bias, running mean, running variance
 * @returns y, and what {@linkcode batchMoments} returns
 */
export function batchNorm(
  [x, weight, bias, ...running]: Infos,
  constants: BatchNormConstants,
): tf.TensorInfo[] {
  const { columns } = rowsOf(x!);
  const packed = packedMoments([x!, ...running], constants);
  const y = runElementwise(batchNormShader, [x!, packed, weight!, bias!], x!.shape, [columns]);
  return [y, ...split(packed, Array.from({ length: 4 }, () => [columns]))];
}

const batchNormSums = columnSums({
  name: "batch_norm_sums",
  inputs: ["dy", "x", "mean", "rstd"],
  terms: ["dy[i] * (x[i] - mean[column]) * rstd[column]", "dy[i]"],
});
const batchNormGradShader = elementwise({
  name: "batch_norm_grad",
  inputs: ["dy", "x", "mean", "rstd", "weight", "sums"],
  uniforms: ["rows", "columns"],
  body: `let c = i % uniforms.columns;
    let count = f32(uniforms.rows);
    let xhat = (x[i] - mean[c]) * rstd[c];
    let slope = sums[c] / count;
    let shift = sums[uniforms.columns + c] / count;
    value = (dy[i] - shift - xhat * slope) * weight[c] * rstd[c];`,
});

/**
 * @param inputs dy, x, mean, rstd, weight
 * @returns dx, dweight, dbias
 */
export function batchNormGrad(inputs: Infos): tf.TensorInfo[] {
  const x = inputs[1]!, { rows, columns } = rowsOf(x);
  const sums = runColumnSums(batchNormSums, inputs.slice(0, 4), { rows, columns });
  const dx = runElementwise(batchNormGradShader, [...inputs, sums], x.shape, [rows, columns]);
  return [dx, ...split(sums, [[columns], [columns]])];
}

// ---- L2 normalisation and softmax

const lengthsShader = rowOperation({
  name: "l2_lengths",
  inputs: ["x"],
  body: `
    var sum = 0.0;
    ${forColumns("sum += x[i] * x[i];")}
    let length = max(sqrt(rowSum(sum)), 1e-12);
    if (localIndex == 0u) { result[row] = length; }`,
});
const divideShader = elementwise({
  name: "l2_divide",
  inputs: ["x", "lengths"],
  uniforms: ["columns"],
  body: "value = x[i] / lengths[i / uniforms.columns];",
});
const l2GradShader = rowOperation({
  name: "l2_grad",
  inputs: ["dy", "y", "lengths"],
  body: `
    var sum = 0.0;
    ${forColumns("sum += dy[i] * y[i];")}
    let dot = rowSum(sum);
    ${forColumns("result[i] = (dy[i] - y[i] * dot) / lengths[row];")}`,
});

/** @returns The unit rows, and their lengths `[…, 1]` */
export function l2Normalize([x]: Infos): tf.TensorInfo[] {
  const size = rowsOf(x!);
  const lengths = runRows(lengthsShader, [x!], size, lastAxisOne(x!));
  return [runElementwise(divideShader, [x!, lengths], x!.shape, [size.columns]), lengths];
}

/** @param inputs dy, y, lengths */
export function l2NormalizeGrad(inputs: Infos): tf.TensorInfo[] {
  const y = inputs[1]!;
  return [runRows(l2GradShader, inputs, rowsOf(y), y.shape)];
}

function softmaxShader(biased: boolean): Shader {
  const logit = biased
    ? "x[i] + bias[row % uniforms.biasRows * uniforms.columns + column]"
    : "x[i]";
  return rowOperation({
    name: biased ? "softmax_bias" : "softmax",
    inputs: biased ? ["x", "bias"] : ["x"],
    uniforms: ["biasRows"],
    body: `
    var most = -3.4e38;
    ${forColumns(`most = max(most, ${logit});`)}
    let top = rowMax(most);
    var sum = 0.0;
    ${forColumns(`sum += exp(${logit} - top);`)}
    let all = rowSum(sum);
    ${forColumns(`result[i] = exp(${logit} - top) / all;`)}`,
  });
}

const [plainSoftmax, biasedSoftmax] = [softmaxShader(false), softmaxShader(true)];

/** @param inputs x, and perhaps a bias whose rows repeat */
export function softmax(inputs: Infos): tf.TensorInfo[] {
  const [x, bias] = inputs as [tf.TensorInfo, tf.TensorInfo?];
  const shader = bias ? biasedSoftmax : plainSoftmax;
  return [runRows(shader, inputs, rowsOf(x), x.shape, [bias ? rowsOf(bias).rows : 0])];
}

const softmaxGradShader = rowOperation({
  name: "softmax_grad",
  inputs: ["dy", "y"],
  body: `
    var sum = 0.0;
    ${forColumns("sum += dy[i] * y[i];")}
    let dot = rowSum(sum);
    ${forColumns("result[i] = (dy[i] - dot) * y[i];")}`,
});

/**
 * @param inputs dy, y, and perhaps the bias, which asks for its gradient
 * @returns dx, and perhaps dbias
 */
export function softmaxGrad([dy, y, bias]: Infos): tf.TensorInfo[] {
  const dx = runRows(softmaxGradShader, [dy!, y!], rowsOf(y!), y!.shape);
  if (!bias) return [dx];
  const columns = sizeOf(bias), rows = sizeOf(dx) / columns;
  return [dx, ...split(runColumnSums(sumsOfColumns, [dx], { rows, columns }), [bias.shape])];
}
