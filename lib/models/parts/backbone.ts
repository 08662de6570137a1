/** What every backbone is, whichever its family. */
import type * as tf from "lib/tf.ts";
import type { Rng } from "lib/rng.ts";
import type { LinearParams } from "lib/nn/linear.ts";
import type { Precision } from "lib/nn/pointwise.ts";

/**
 * Sees the output of each module under its official name (`stages.3.2`, `blocks.11.norm1`), and returns what goes on
 * from there: itself, to look; something else, to change it.
 */
export type Tap = <T extends tf.Tensor>(name: string, output: T) => T;

/** How a network runs. */
export interface ForwardOptions {
  /** True: BatchNorm uses the batch's statistics and moves its running ones, and paths drop. */
  readonly training: boolean;
  /** The step's stream, for stochastic depth; without it no path drops. */
  readonly rng?: Rng;
  readonly tap?: Tap;
  /** Of the products in the blocks of ConvNeXt, BC-SSL and SLaK; all others are in fp32, and these with a tap too. */
  readonly precision?: Precision;
}

/** What every backbone gives; the caller owns all of it. */
export interface BackboneOutput {
  /** The output of each stage, fine to coarse, `[B, H, W, C]`; a plain transformer has one, its last block's patches. */
  readonly stages: readonly tf.Tensor4D[];
  /** What a k-NN compares and a classifier is put on, `[B, featureDim]`. */
  readonly features: tf.Tensor2D;
}

export interface ModelOutput extends BackboneOutput {
  /** `[B, classes]`, of a model with a classifier. */
  readonly logits?: tf.Tensor2D;
}

/** What a family's file builds. */
export interface Backbone {
  /** Tree of variables; paths are the official weight names. */
  readonly params: object;
  /** Length of the feature vector. */
  readonly featureDim: number;
  /** The classifier's name in official files. */
  readonly headName: "head" | "fc";
  createHead(classes: number, rng: Rng): LinearParams;
  /** @param x `[B, H, W, 3]`, normalised. */
  forward(x: tf.Tensor4D, options: ForwardOptions): BackboneOutput;
  /** See {@linkcode Model.officialNames}. */
  officialNames?(names: readonly string[]): ReadonlyMap<string, string>;
}

/** The tap that neither looks nor changes. */
export const keepOutput: Tap = (_, output) => output;

/** The tap of a module inside another: `stages.0.1` of `tap`, `norm` of this one, is `stages.0.1.norm`. */
export function tapWithin(tap: Tap | undefined, prefix: string): Tap {
  return tap ? (name, output) => tap(`${prefix}.${name}`, output) : keepOutput;
}

/**
 * `linspace(0, rate, blocks)` over all blocks, split by stage: how likely each block's branch is to drop.
 *
 * @param depths Blocks of each stage.
 */
export function dropPathRates(depths: readonly number[], rate: number): number[][] {
  const last = depths.reduce((sum, depth) => sum + depth, 0) - 1;
  let block = 0;
  return depths.map((depth) =>
    Array.from({ length: depth }, () => last === 0 ? 0 : rate * block++ / last)
  );
}

/**
 * Refuses a config that is not of its family.
 *
 * @param example A whole config of the same family.
 * @throws {TypeError} If a key is unknown or missing; the message names it and those there are.
 */
export function checkKeys<T extends { readonly arch: string }>(config: T, example: T): void {
  const known = Object.keys(example);
  for (const key of Object.keys(config)) {
    if (known.includes(key)) continue;
    throw new TypeError(
      `Cannot build "${config.arch}": unknown option "${key}"; use ${known.join(", ")}`,
    );
  }
  for (const key of known) {
    if (key in config) continue;
    throw new TypeError(`Cannot build "${config.arch}": option "${key}" is missing`);
  }
}
