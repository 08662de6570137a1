/**
 * DINO's last layer and loss over tens of thousands of prototypes: the softmax of the student and
 * its logarithm are never stored. The meaning of every operation is in
 * lib/native/src/kernels/dino.h.
 *
 * K prototypes of D dimensions, T teacher views, V student views, B images.
 */
import type * as tf from "lib/tf.ts";
import { elementwise, runElementwise } from "./elementwise.ts";
import { release, rowsOf, split } from "./program.ts";
import { forColumns, rowOperation, runRows } from "./row_operations.ts";
import { columnSums, runColumnSums } from "./sums.ts";

type Infos = readonly tf.TensorInfo[];

const squaresOfColumns = columnSums({
  name: "squares_of_columns",
  inputs: ["v"],
  terms: ["v[i] * v[i]"],
});
const scalesShader = elementwise({
  name: "prototype_scales",
  inputs: ["squares", "g"],
  uniforms: ["columns"],
  body: `let k = i % uniforms.columns;
    let norm = max(sqrt(squares[k]), 1e-12);
    value = select(g[k] / norm, norm, i < uniforms.columns);`,
});

/**
 * @param inputs v `[D, K]`, g `[K]`
 * @returns norms max(‖v_k‖, 1e-12) and scales g_k / norm, both `[K]`
 */
export function prototypeScales([v, g]: Infos): tf.TensorInfo[] {
  const size = rowsOf(v!), K = size.columns;
  const squares = runColumnSums(squaresOfColumns, [v!], size);
  const both = runElementwise(scalesShader, [squares, g!], [2, K], [K]);
  release(squares);
  return split(both, [[K], [K]]);
}

const prototypeGradShader = elementwise({
  name: "prototype_grad",
  inputs: ["dv", "v", "u", "norms", "scales"],
  uniforms: ["columns"],
  body: `let k = i % uniforms.columns;
    value = dv[i] - v[i] * (u[k] * scales[k] / norms[k] / norms[k]);`,
});
const divideShader = elementwise({
  name: "divide",
  inputs: ["u", "norms"],
  body: "value = u[i] / norms[i];",
});

/**
 * @param inputs dv and v `[D, K]`; u, norms and scales `[K]`
 * @returns The gradients of v, and of g `[1, K]`
 */
export function prototypeGrad(inputs: Infos): tf.TensorInfo[] {
  const [dv, , u, norms] = inputs as [tf.TensorInfo, ...tf.TensorInfo[]];
  const { columns } = rowsOf(dv);
  return [
    runElementwise(prototypeGradShader, inputs, dv.shape, [columns]),
    runElementwise(divideShader, [u!, norms!], [1, columns]),
  ];
}

/** log Σ exp of each row of (logits − center) / temperature, and the entropy of its softmax. */
const teacherRows = rowOperation({
  name: "dino_teacher_rows",
  inputs: ["products", "scales", "center", "numbers"],
  body: `
    let sharp = 1.0 / numbers[0];
    var most = -3.4e38;
    ${forColumns("most = max(most, (products[i] * scales[column] - center[column]) * sharp);")}
    let top = rowMax(most);
    var part = 0.0;
    var weighted = 0.0;
    ${
    forColumns(`let x = (products[i] * scales[column] - center[column]) * sharp - top;
      let e = exp(x);
      part += e;
      weighted += e * max(x, -87.0);`)
  }
    let sum = rowSum(part);
    let dot = rowSum(weighted);
    if (localIndex == 0u) {
      result[row] = top;
      result[uniforms.rows + row] = sum;
      result[2 * uniforms.rows + row] = log(sum) - dot / sum;
    }`,
});
const teacherShader = elementwise({
  name: "dino_teacher",
  inputs: ["products", "scales", "center", "numbers", "statistics"],
  uniforms: ["rows", "columns"],
  body: `let k = i % uniforms.columns;
    let row = i / uniforms.columns;
    let x = (products[i] * scales[k] - center[k]) / numbers[0] - statistics[row];
    value = exp(x) / statistics[uniforms.rows + row];`,
});
/** The mean of `count` numbers from `from` on. */
const meanShader = rowOperation({
  name: "mean_of_row",
  inputs: ["x"],
  uniforms: ["begin", "count: f32"],
  body: `
    var sum = 0.0;
    ${forColumns("sum += x[uniforms.begin + i];")}
    let all = rowSum(sum);
    if (localIndex == 0u) { result[0] = all / uniforms.count; }`,
});
const logitSums = columnSums({
  name: "sums_of_logits",
  inputs: ["products", "scales"],
  terms: ["products[i] * scales[column]"],
});
const centerShader = elementwise({
  name: "next_center",
  inputs: ["sums", "center", "numbers"],
  uniforms: ["rows: f32"],
  body: `let momentum = numbers[1];
    value = momentum * center[i] + (1.0 - momentum) * (sums[i] / uniforms.rows);`,
});

/**
 * @param inputs products `[N, K]`; scales and center `[K]`; temperature and momentum as `[2]`
 * @returns q `[N, K]`, the mean entropy `[]`, the next center `[K]`
 */
export function dinoTeacher([products, scales, center, numbers]: Infos): tf.TensorInfo[] {
  const size = rowsOf(products!), { rows, columns } = size;
  const logits = [products!, scales!, center!, numbers!];
  const statistics = runRows(teacherRows, logits, size, [3, rows]);
  const q = runElementwise(teacherShader, [...logits, statistics], products!.shape, [
    rows,
    columns,
  ]);
  const entropy = meanOf(statistics, 2 * rows, rows, rows);
  const sums = runColumnSums(logitSums, [products!, scales!], size);
  const next = runElementwise(centerShader, [sums, center!, numbers!], [columns], [rows]);
  release(statistics, sums);
  return [q, entropy, next];
}

/** The sum of `length` numbers from `begin` on, over `count`, as a scalar. */
function meanOf(x: tf.TensorInfo, begin: number, length: number, count: number): tf.TensorInfo {
  return runRows(meanShader, [x], { rows: 1, columns: length }, [], [begin, count]);
}

/** WGSL: the sum of the teachers of an image for a prototype, except that of its own view. */
const targetFunction = `
fn targetOf(view: i32, image: i32, column: i32) -> f32 {
  var sum = 0.0;
  for (var t = 0; t < uniforms.teachers; t++) {
    if (t != view) { sum += q[(t * uniforms.images + image) * uniforms.columns + column]; }
  }
  return sum;
}`;

const studentRows = rowOperation({
  name: "dino_loss_rows",
  inputs: ["products", "scales", "q"],
  uniforms: ["teachers", "images", "temp: f32"],
  functions: targetFunction,
  body: `
    let sharp = 1.0 / uniforms.temp;
    let view = row / uniforms.images;
    let image = row % uniforms.images;
    var most = -3.4e38;
    ${forColumns("most = max(most, products[i] * scales[column]);")}
    let top = rowMax(most);
    var part = 0.0;
    var dotPart = 0.0;
    var massPart = 0.0;
    ${
    forColumns(`let x = (products[i] * scales[column] - top) * sharp;
      let targetMass = targetOf(view, image, column);
      part += exp(x);
      dotPart += targetMass * x;
      massPart += targetMass;`)
  }
    let sum = rowSum(part);
    let dot = rowSum(dotPart);
    let mass = rowSum(massPart);
    if (localIndex == 0u) {
      result[row] = top * sharp + log(sum);
      result[uniforms.rows + row] = mass;
      result[2 * uniforms.rows + row] = log(sum) * mass - dot;
    }`,
});

interface Temperature {
  readonly temp: number;
}

interface Pairs {
  readonly teachers: number;
  readonly images: number;
  /** The number of cross-entropies. */
  readonly count: number;
}

function pairsOf(products: tf.TensorInfo, q: tf.TensorInfo): Pairs {
  const [teachers, images] = q.shape as [number, number, number];
  const students = rowsOf(products).rows / images;
  return { teachers, images, count: images * (teachers * students - teachers) };
}

/**
 * @param inputs products `[V·B, K]`, scales `[K]`, q `[T, B, K]`
 * @returns The loss `[]`; log Σ exp and the mass of the targets of every row, `[V·B]`
 */
export function dinoLoss([products, scales, q]: Infos, { temp }: Temperature): tf.TensorInfo[] {
  const size = rowsOf(products!), { rows } = size;
  const { teachers, images, count } = pairsOf(products!, q!);
  const sums = runRows(studentRows, [products!, scales!, q!], size, [3, rows], [
    teachers,
    images,
    temp,
  ]);
  const loss = meanOf(sums, 2 * rows, rows, count);
  const [lse, mass, shares] = split(sums, [[rows], [rows], [rows]]);
  release(shares!);
  return [loss, lse!, mass!];
}

/** WGSL: dloss / dlogit. */
const slopeFunction = `
${targetFunction}
fn slopeOf(row: i32, column: i32, i: i32) -> f32 {
  let view = row / uniforms.images;
  let image = row % uniforms.images;
  let below = products[i] * scales[column] / uniforms.temp - lse[row];
  let p = exp(min(below, 0.0));
  let slope = mass[row] * p - targetOf(view, image, column);
  return dloss[0] / (uniforms.temp * uniforms.count) * slope;
}`;
const slopeInputs = ["dloss", "products", "scales", "q", "lse", "mass"];
const slopeUniforms = ["teachers", "images", "temp: f32", "count: f32"];
const lossGradShader = elementwise({
  name: "dino_loss_grad",
  inputs: slopeInputs,
  uniforms: ["columns", ...slopeUniforms],
  functions: slopeFunction,
  body: `let k = i % uniforms.columns;
    value = slopeOf(i / uniforms.columns, k, i) * scales[k];`,
});
const lossGradSums = columnSums({
  name: "dino_loss_grad_sums",
  inputs: slopeInputs,
  uniforms: slopeUniforms,
  functions: slopeFunction,
  terms: ["slopeOf(row, column, i) * products[i]"],
});

/**
 * @param inputs dloss `[]`, products `[V·B, K]`, scales `[K]`, q `[T, B, K]`, lse and mass `[V·B]`
 * @returns dproducts, and u `[K]`: Σ over rows of products · ∂loss/∂logits
 */
export function dinoLossGrad(inputs: Infos, { temp }: Temperature): tf.TensorInfo[] {
  const [, products, , q] = inputs as [tf.TensorInfo, ...tf.TensorInfo[]];
  const size = rowsOf(products!);
  const { teachers, images, count } = pairsOf(products!, q!);
  const constants = [teachers, images, temp, count];
  return [
    runElementwise(lossGradShader, inputs, products!.shape, [size.columns, ...constants]),
    ...split(runColumnSums(lossGradSums, inputs, size, constants), [[size.columns]]),
  ];
}
