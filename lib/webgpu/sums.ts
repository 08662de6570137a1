/**
 * Sums on the device: over the rows of a matrix, for every column, and over a row by one workgroup.
 *
 * Sums over many rows go by parts: a workgroup adds up a part of the rows for 32 columns, and a
 * second shader adds up the parts. Every order is fixed, so that two runs agree to the last bit.
 */
import type * as tf from "lib/tf.ts";
import { release, run, type Shader } from "./program.ts";

/** Columns and rows that a workgroup works on at a time. */
const columnsAtOnce = 32, rowsAtOnce = 8;
const threads = columnsAtOnce * rowsAtOnce;
/** Rows of a part, while there are at most {@linkcode mostParts}. */
const rowsOfPart = 64, mostParts = 128;

/** What to add up for every column of a matrix. */
export interface ColumnSums {
  readonly name: string;
  readonly inputs: readonly string[];
  /** Constants of the terms; besides, there are `rows`, `columns`, `parts` and `perPart`. */
  readonly uniforms?: readonly string[];
  /** Functions that the terms call. */
  readonly functions?: string;
  /**
   * One WGSL expression for each sum, of `row`, `column` and `i`, the place of both in an array of
   * all rows.
   */
  readonly terms: readonly string[];
  /** Statements before the terms. */
  readonly before?: string;
}

/** The shaders of a {@linkcode ColumnSums}. */
export interface ColumnSumShaders {
  readonly first: Shader;
  readonly second: Shader;
  readonly count: number;
}

/** Makes the shaders of column sums. */
export function columnSums(sums: ColumnSums): ColumnSumShaders {
  const count = sums.terms.length;
  return { first: partSums(sums), second: totals(count), count };
}

/** The sums of a part of the rows: `result[sum][part][column]`. */
function partSums(
  { name, inputs, uniforms = [], functions = "", terms, before = "" }: ColumnSums,
): Shader {
  const all = terms.map((_, k) => k);
  return {
    name,
    inputs,
    uniforms: ["rows", "columns", "parts", "perPart", ...uniforms],
    threads,
    code: `
${functions}
var<workgroup> lanes: array<f32, ${threads * terms.length}>;
fn main() {
  let column = i32(workgroupId.x) * ${columnsAtOnce} + i32(localIndex) % ${columnsAtOnce};
  let part = i32(workgroupId.y);
  let lane = i32(localIndex) / ${columnsAtOnce};
  ${all.map((k) => `var sum${k} = 0.0;`).join(" ")}
  if (column < uniforms.columns) {
    let end = min((part + 1) * uniforms.perPart, uniforms.rows);
    for (var row = part * uniforms.perPart + lane; row < end; row += ${rowsAtOnce}) {
      let i = row * uniforms.columns + column;
      ${before}
      ${all.map((k) => `sum${k} += ${terms[k]};`).join("\n      ")}
    }
  }
  ${all.map((k) => `lanes[${k * threads} + i32(localIndex)] = sum${k};`).join("\n  ")}
  workgroupBarrier();
  if (lane == 0 && column < uniforms.columns) {
    ${all.map((k) => laneTotal(k)).join("\n    ")}
  }
}`,
  };
}

/** Adds up the lanes of one sum. */
function laneTotal(k: number): string {
  return `{
      var total = 0.0;
      for (var l = 0; l < ${rowsAtOnce}; l++) {
        total += lanes[${k * threads} + l * ${columnsAtOnce} + i32(localIndex)];
      }
      result[(${k} * uniforms.parts + part) * uniforms.columns + column] = total;
    }`;
}

/** Adds up the parts: `[sums, parts, columns]` to `[sums, columns]`. */
function totals(sums: number): Shader {
  return {
    name: `part_totals_${sums}`,
    inputs: ["x"],
    uniforms: ["columns", "parts"],
    threads,
    code: `
fn main() {
  let at = i32(workgroupId.x) * ${threads} + i32(localIndex);
  if (at < ${sums} * uniforms.columns) {
    let first = at / uniforms.columns * uniforms.parts * uniforms.columns + at % uniforms.columns;
    var total = 0.0;
    for (var part = 0; part < uniforms.parts; part++) {
      total += x[first + part * uniforms.columns];
    }
    result[at] = total;
  }
}`,
  };
}

/** How rows are divided. */
export function partsOf(rows: number): { readonly parts: number; readonly perPart: number } {
  const parts = Math.min(Math.max(1, Math.ceil(rows / rowsOfPart)), mostParts);
  const perPart = Math.max(1, Math.ceil(rows / parts));
  return { parts: Math.max(1, Math.ceil(rows / perPart)), perPart };
}

/** @returns `[sums, columns]` */
export function runColumnSums(
  { first, second, count }: ColumnSumShaders,
  inputs: readonly tf.TensorInfo[],
  { rows, columns }: { readonly rows: number; readonly columns: number },
  uniforms: readonly number[] = [],
): tf.TensorInfo {
  const { parts, perPart } = partsOf(rows);
  const partial = run(first, inputs, {
    shape: [count, parts, columns],
    groups: [Math.ceil(columns / columnsAtOnce), parts],
    uniforms: [rows, columns, parts, perPart, ...uniforms],
  });
  return parts === 1 ? partial : addParts(second, partial, columns, parts, count);
}

function addParts(
  shader: Shader,
  partial: tf.TensorInfo,
  columns: number,
  parts: number,
  count: number,
): tf.TensorInfo {
  const total = run(shader, [partial], {
    shape: [count, columns],
    groups: [Math.ceil(count * columns / threads)],
    uniforms: [columns, parts],
  });
  release(partial);
  return total;
}

const one = totals(1);

/** Sums of `[parts, …]` over the parts, in the given shape; frees its input. */
export function sumParts(
  partial: tf.TensorInfo,
  parts: number,
  shape: readonly number[],
): tf.TensorInfo {
  const columns = shape.reduce((product, side) => product * side, 1);
  const total = run(one, [partial], {
    shape,
    groups: [Math.ceil(columns / threads)],
    uniforms: [columns, parts],
  });
  release(partial);
  return total;
}

/** Threads that work on one row together. */
export const rowThreads = 64;

/**
 * WGSL: the functions `rowSum(x: f32)` and `rowMax(x: f32)`, which every thread of a workgroup calls
 * with its own number, and which give each the sum or the largest of all.
 */
export const rowFunctions = `
var<workgroup> lanesOfRow: array<f32, ${rowThreads}>;
${reduction("rowSum", "lanesOfRow[at] += lanesOfRow[at + half];")}
${reduction("rowMax", "lanesOfRow[at] = max(lanesOfRow[at], lanesOfRow[at + half]);")}
`;

function reduction(name: string, step: string): string {
  return `
fn ${name}(x: f32) -> f32 {
  let at = i32(localIndex);
  workgroupBarrier();
  lanesOfRow[at] = x;
  for (var half = ${rowThreads / 2}; half > 0; half /= 2) {
    workgroupBarrier();
    if (at < half) { ${step} }
  }
  workgroupBarrier();
  return lanesOfRow[0];
}`;
}

/** Sums of the columns of a matrix. */
export const sumsOfColumns: ColumnSumShaders = columnSums({
  name: "sums_of_columns",
  inputs: ["x"],
  terms: ["x[i]"],
});
