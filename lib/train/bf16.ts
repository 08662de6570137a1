/**
 * Numbers in bf16 for the way between processes: the range of fp32 with 8 significant bits. Rounding
 * is to the nearest, ties to even.
 *
 * tfjs has no bf16 tensors. So two numbers lie in the memory of one of fp32, the first in its lower
 * half. Nothing may compute with such tensors but the functions here.
 */
import * as tf from "lib/tf.ts";
import { attr, prepareAttrs, type PreparedAttrs, tfOp } from "lib/tf_op.ts";
import type { Packing } from "lib/distributed/world.ts";
import { fused, hasFused } from "lib/nn/fused.ts";

/** Gradients in bf16 between processes. */
export function bf16Packing(): Packing {
  return {
    pack: toBf16,
    mean: meanOfBf16,
    unpack: fromBf16,
    numbersInFloat: 2,
    isOneOperation: hasFused("MeanOfBf16"),
  };
}

/** Numbers of a part are a multiple of this, so that TensorFlow splits what comes back without copying. */
const multiple = 16;

/**
 * Rounds the numbers of all tensors, one tensor after the other, and fills up with zeros.
 *
 * @param tensors fp32, borrowed
 * @param parts Number of equal parts into which they are divided.
 * @returns `[parts, n]`, n fp32 numbers with two of bf16 each; the caller owns it.
 */
export function toBf16(tensors: readonly tf.Tensor[], parts: number): tf.Tensor {
  const native = fused("ToBf16", tensors, { parts })?.[0];
  return native ?? tf.tidy(() => {
    const numbers = tf.concat1d(tensors.map((x) => x.flatten()));
    const whole = Math.ceil(numbers.size / (multiple * parts)) * multiple * parts;
    const pairs = rounded(numbers.pad([[0, whole - numbers.size]])).reshape([-1, 2]);
    const [first, second] = tf.split(pairs, 2, 1);
    const upper = bitwise("BitwiseAnd", second!, -0x10000);
    return bits(bitwise("BitwiseOr", upper, lowerHalf(first!)), "float32").reshape([parts, -1]);
  });
}

/**
 * The mean of parts, added up in fp32 in their order and then rounded.
 *
 * @param halves `[parts, n]`, borrowed
 * @returns `[n]`; the caller owns it.
 */
export function meanOfBf16(halves: tf.Tensor): tf.Tensor {
  return fused("MeanOfBf16", [halves])?.[0] ?? tf.tidy(() => {
    const parts = tf.unstack(halves).map((part) => fromBf16([part]));
    const sum = parts.reduce((sum, part) => sum.add(part));
    return toBf16([sum.div(parts.length)], 1).flatten();
  });
}

/**
 * The numbers as fp32, of all tensors one after the other.
 *
 * @param halves Borrowed.
 * @returns `[2 · n]`, n the fp32 numbers of all; the caller owns it.
 */
export function fromBf16(halves: readonly tf.Tensor[]): tf.Tensor1D {
  const native = fused("FromBf16", halves)?.[0];
  return (native ?? tf.tidy(() => {
    const both = bits(tf.concat1d(halves.map((x) => x.flatten())), "int32");
    const first = tfOp("LeftShift", [both, tf.fill(both.shape, 16, "int32")], ofInts());
    const second = bitwise("BitwiseAnd", both, -0x10000);
    return tf.stack([first, second].map((x) => bits(x, "float32")), 1).flatten();
  })) as tf.Tensor1D;
}

/** The bits of fp32 numbers, rounded to bf16 in their upper halves. A NaN stays one. */
function rounded(x: tf.Tensor): tf.Tensor {
  const own = bits(x, "int32");
  const isOdd = bitwise("BitwiseAnd", lowerHalf(own), 1);
  const nearest = own.add(isOdd).add(tf.scalar(0x7fff, "int32"));
  return tf.where(tf.isNaN(x), tf.scalar(0x7fc00000, "int32"), nearest);
}

/** The upper 16 bits, in the place of the lower ones. */
function lowerHalf(x: tf.Tensor): tf.Tensor {
  const shifted = tfOp("RightShift", [x, tf.fill(x.shape, 16, "int32")], ofInts());
  return bitwise("BitwiseAnd", shifted, 0xffff);
}

function bitwise(op: "BitwiseAnd" | "BitwiseOr", x: tf.Tensor, y: tf.Tensor | number): tf.Tensor {
  const other = typeof y === "number" ? tf.fill(x.shape, y, "int32") : y;
  return tfOp(op, [x, other], ofInts());
}

/** The same memory as numbers of another type. */
function bits(x: tf.Tensor, type: "int32" | "float32"): tf.Tensor {
  const from = type === "int32" ? "float32" : "int32";
  return tfOp("Bitcast", [x], { T: attr.type(from), type: attr.type(type) });
}

const ofInts = (): PreparedAttrs => prepareAttrs({ T: attr.type("int32") });
