/** Operations for which one workgroup works on a row of the input. */
import type * as tf from "lib/tf.ts";
import { mostGroups, run, type Shader } from "./program.ts";
import { rowFunctions, rowThreads } from "./sums.ts";

/** An operation on rows. */
export interface RowOperation {
  readonly name: string;
  readonly inputs: readonly string[];
  /** As in {@linkcode Shader}; besides, there are `rows` and `columns`. */
  readonly uniforms?: readonly string[];
  /** Functions that the body calls. */
  readonly functions?: string;
  /**
   * Statements for one `row: i32`, which begins at `first: i32`. They run in every thread of the
   * workgroup; `rowSum` and `rowMax` join what the threads found, and {@linkcode forColumns} shares
   * out the columns.
   */
  readonly body: string;
}

/** WGSL: the statements for every `column` of the row, at place `i`, shared out to the threads. */
export function forColumns(statements: string): string {
  return `for (var column = i32(localIndex); column < uniforms.columns; column += ${rowThreads}) {
      let i = first + column;
      ${statements}
    }`;
}

/** Makes the shader of an operation on rows. */
export function rowOperation(
  { name, inputs, uniforms = [], functions = "", body }: RowOperation,
): Shader {
  return {
    name,
    inputs,
    uniforms: ["rows", "columns", ...uniforms],
    threads: rowThreads,
    code: `
${rowFunctions}
${functions}
fn main() {
  for (var row = i32(workgroupId.x); row < uniforms.rows; row += i32(numWorkgroups.x)) {
    let first = row * uniforms.columns;
    ${body}
  }
}`,
  };
}

/** Runs an operation on rows. */
export function runRows(
  shader: Shader,
  inputs: readonly tf.TensorInfo[],
  { rows, columns }: { readonly rows: number; readonly columns: number },
  shape: readonly number[],
  uniforms: readonly number[] = [],
): tf.TensorInfo {
  const groups = Math.max(1, Math.min(rows, mostGroups));
  return run(shader, inputs, { shape, groups: [groups], uniforms: [rows, columns, ...uniforms] });
}
