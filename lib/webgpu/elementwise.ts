/** Operations that compute each number of their result from numbers at the same place. */
import type * as tf from "lib/tf.ts";
import { mostGroups, run, type Shader } from "./program.ts";

const threads = 256;

/** A shader that computes every number of its result by an expression. */
export interface Elementwise {
  readonly name: string;
  readonly inputs: readonly string[];
  /** As in {@linkcode Shader}; besides, there is `size`, the size of the result. */
  readonly uniforms?: readonly string[];
  /** Functions that the expression calls. */
  readonly functions?: string;
  /** Statements that begin with the index `i: i32` and set `value: f32`. */
  readonly body: string;
}

/** Makes the shader of an elementwise operation. */
export function elementwise(
  { name, inputs, uniforms = [], functions = "", body }: Elementwise,
): Shader {
  return {
    name,
    inputs,
    uniforms: ["size", ...uniforms],
    threads,
    code: `
${functions}
fn main() {
  let step = i32(numWorkgroups.x) * ${threads};
  for (var i = i32(workgroupId.x) * ${threads} + i32(localIndex); i < uniforms.size; i += step) {
    var value = 0.0;
    ${body}
    result[i] = value;
  }
}`,
  };
}

/** Runs the shader of an elementwise operation; `into` as in {@linkcode run}. */
export function runElementwise(
  shader: Shader,
  inputs: readonly tf.TensorInfo[],
  shape: readonly number[],
  uniforms: readonly number[] = [],
  into?: tf.TensorInfo,
): tf.TensorInfo {
  const size = shape.reduce((product, side) => product * side, 1);
  const groups = Math.min(Math.ceil(size / threads), mostGroups);
  const call = { shape, groups: [groups] as const, uniforms: [size, ...uniforms] };
  return run(shader, inputs, into ? { ...call, into } : call);
}
