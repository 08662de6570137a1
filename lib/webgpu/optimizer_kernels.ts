/**
 * AdamW, moving averages and squared norms over all tensors of a network: one dispatch for all
 * small tensors together, and one to three for each large one.
 */
import type * as tf from "lib/tf.ts";
import { elementwise, runElementwise } from "./elementwise.ts";
import { blockSize, pack, packsOf, tensorOfBlock, unpack } from "./packs.ts";
import {
  allocate,
  copy,
  integers,
  mostGroups,
  release,
  run,
  type Shader,
  sizeOf,
} from "./program.ts";

type Infos = readonly tf.TensorInfo[];

/** The lists of equal length that come before the last inputs. */
function lists(inputs: Infos, count: number): readonly Infos[] {
  const length = Math.floor(inputs.length / count);
  return Array.from({ length: count }, (_, k) => inputs.slice(k * length, (k + 1) * length));
}

// ---- AdamW

/** WGSL: the factors of a weight, in the order of lib/train/adamw.ts. */
const factors = `
struct Factors { keep: f32, beta1: f32, new1: f32, beta2: f32, new2: f32, rms: f32, eps: f32, step: f32, scale: f32 };
fn factorsOf(tensor: i32) -> Factors {
  let f = tensor * 9;
  return Factors(factors[f], factors[f + 1], factors[f + 2], factors[f + 3], factors[f + 4],
      factors[f + 5], factors[f + 6], factors[f + 7], factors[f + 8]);
}
fn moved(f: Factors, w: f32, m: f32, v: f32) -> f32 {
  return f.keep * w - f.step * m / (sqrt(v) * f.rms + f.eps);
}`;

/** Updates weights and both moments of a pack, which lie one after the other in the result. */
const adamWPack: Shader = {
  name: "adamw_pack",
  inputs: ["grads", "factors", "tensorOf"],
  uniforms: ["blocks"],
  threads: blockSize,
  code: `
${factors}
fn main() {
  let size = uniforms.blocks * ${blockSize};
  for (var block = i32(workgroupId.x); block < uniforms.blocks; block += i32(numWorkgroups.x)) {
    let f = factorsOf(tensorOf[block]);
    let i = block * ${blockSize} + i32(localIndex);
    let g = grads[i] * f.scale;
    let m = f.beta1 * result[size + i] + f.new1 * g;
    let v = f.beta2 * result[2 * size + i] + f.new2 * g * g;
    result[i] = moved(f, result[i], m, v);
    result[size + i] = m;
    result[2 * size + i] = v;
  }
}`,
};

/** One moment of a large weight, in place. */
function moment(name: string, body: string): Shader {
  return elementwise({
    name,
    inputs: ["grad", "factors"],
    uniforms: ["tensor"],
    functions: factors,
    body: `let f = factorsOf(uniforms.tensor);
    let g = grad[i] * f.scale;
    ${body}`,
  });
}
const firstMoment = moment("adamw_first", "value = f.beta1 * result[i] + f.new1 * g;");
const secondMoment = moment("adamw_second", "value = f.beta2 * result[i] + f.new2 * g * g;");
const adamWAlone = elementwise({
  name: "adamw",
  inputs: ["weight", "m", "v", "factors"],
  uniforms: ["tensor"],
  functions: factors,
  body: "value = moved(factorsOf(uniforms.tensor), weight[i], m[i], v[i]);",
});

/**
 * @param inputs n weights, n gradients, n first and n second moments, and the factors `[n, 9]`
 * @returns The new weights. The moments are changed in place.
 */
export function adamW(inputs: Infos): tf.TensorInfo[] {
  const [weights, grads, first, second] = lists(inputs.slice(0, -1), 4) as [
    Infos,
    Infos,
    Infos,
    Infos,
  ];
  const factors = inputs.at(-1)!;
  const moved = weights.map(({ shape }) => allocate(shape));
  const { packs, alone } = packsOf(weights);
  for (const plan of packs) {
    const state = pack([weights, first, second], plan), packedGrads = pack([grads], plan);
    const tensorOf = tensorOfBlock(plan);
    run(adamWPack, [packedGrads, factors, tensorOf], {
      shape: state.shape,
      groups: [Math.min(plan.blocks, mostGroups)],
      uniforms: [plan.blocks],
      into: state,
    });
    [moved, first, second].forEach((tensors, list) => unpack(state, list, plan, tensors));
    release(state, packedGrads, tensorOf);
  }
  for (const i of alone) {
    const [weight, m, v] = [weights[i]!, first[i]!, second[i]!];
    runElementwise(firstMoment, [grads[i]!, factors], m.shape, [i], m);
    runElementwise(secondMoment, [grads[i]!, factors], v.shape, [i], v);
    runElementwise(adamWAlone, [weight, m, v, factors], weight.shape, [i], moved[i]);
  }
  return moved;
}

// ---- Moving averages

const averageShader = elementwise({
  name: "moving_average",
  inputs: ["source", "mix"],
  body: "value = result[i] * mix[0] + source[i] * mix[1];",
});
const averageAlone = elementwise({
  name: "moving_average_alone",
  inputs: ["average", "source", "mix"],
  body: "value = average[i] * mix[0] + source[i] * mix[1];",
});

/**
 * @param inputs n averages, n sources, and momentum and 1 − momentum as `[2]`
 * @returns The new averages
 */
export function movingAverage(inputs: Infos): tf.TensorInfo[] {
  const [averages, sources] = lists(inputs.slice(0, -1), 2) as [Infos, Infos];
  const mix = inputs.at(-1)!;
  const moved = averages.map(({ shape }) => allocate(shape));
  const { packs, alone } = packsOf(averages);
  for (const plan of packs) {
    const packed = pack([averages], plan), packedSources = pack([sources], plan);
    runElementwise(averageShader, [packedSources, mix], packed.shape, [], packed);
    unpack(packed, 0, plan, moved);
    release(packed, packedSources);
  }
  for (const i of alone) {
    const average = averages[i]!;
    runElementwise(averageAlone, [average, sources[i]!, mix], average.shape, [], moved[i]);
  }
  return moved;
}

// ---- Squared norms

/** Numbers whose squares a workgroup adds up. */
const numbersOfGroup = 4096;

/** The sums of squares of ranges of one tensor, `begin[k]` to `end[k]`, one for each workgroup. */
const rangeSquares: Shader = {
  name: "range_squares",
  inputs: ["x", "begin", "end"],
  uniforms: ["ranges"],
  threads: blockSize,
  code: rangeSum("x[i] * x[i]"),
};
/** The sums of ranges. */
const rangeSums: Shader = { ...rangeSquares, name: "range_sums", code: rangeSum("x[i]") };

function rangeSum(term: string): string {
  return `
var<workgroup> lanes: array<f32, ${blockSize}>;
fn main() {
  let at = i32(localIndex);
  for (var k = i32(workgroupId.x); k < uniforms.ranges; k += i32(numWorkgroups.x)) {
    var sum = 0.0;
    for (var i = begin[k] + at; i < end[k]; i += ${blockSize}) { sum += ${term}; }
    workgroupBarrier();
    lanes[at] = sum;
    for (var half = ${blockSize / 2}; half > 0; half /= 2) {
      workgroupBarrier();
      if (at < half) { lanes[at] += lanes[at + half]; }
    }
    if (at == 0) { result[k] = lanes[0]; }
  }
}`;
}

/** A part of a tensor, from `begin` to before `end`. */
type Range = readonly [begin: number, end: number];

function sumRanges(shader: Shader, x: tf.TensorInfo, ranges: readonly Range[]): tf.TensorInfo {
  const begin = integers(ranges.map(([begin]) => begin)),
    end = integers(ranges.map(([, end]) => end));
  const sums = run(shader, [x, begin, end], {
    shape: [ranges.length],
    groups: [Math.min(ranges.length, mostGroups)],
    uniforms: [ranges.length],
  });
  release(begin, end);
  return sums;
}

function rangesOf(offset: number, size: number): Range[] {
  return Array.from({ length: Math.ceil(size / numbersOfGroup) }, (_, k) => {
    const begin = k * numbersOfGroup;
    return [offset + begin, offset + Math.min(begin + numbersOfGroup, size)];
  });
}

/** @returns Σ x² of each of n tensors, `[n]` */
export function squaredNorms(all: Infos): tf.TensorInfo[] {
  const { packs, alone } = packsOf(all);
  const counts = all.map((x) => Math.ceil(sizeOf(x) / numbersOfGroup));
  const firsts = counts.map((_, i) => counts.slice(0, i).reduce((sum, count) => sum + count, 0));
  const partial = allocate([Math.max(1, counts.reduce((sum, count) => sum + count, 0))]);
  const keep = (sums: tf.TensorInfo, members: readonly number[]) => {
    let offset = 0;
    for (const i of members) {
      copy({ tensor: sums, offset }, { tensor: partial, offset: firsts[i]! }, counts[i]!);
      offset += counts[i]!;
    }
    release(sums);
  };
  for (const plan of packs) {
    const packed = pack([all], plan);
    const ranges = plan.members.flatMap((i, k) => rangesOf(plan.offsets[k]!, sizeOf(all[i]!)));
    keep(sumRanges(rangeSquares, packed, ranges), plan.members);
    release(packed);
  }
  for (const i of alone) keep(sumRanges(rangeSquares, all[i]!, rangesOf(0, sizeOf(all[i]!))), [i]);
  const squares = sumRanges(
    rangeSums,
    partial,
    firsts.map((first, i) => [first, first + counts[i]!]),
  );
  release(partial);
  return [squares];
}
