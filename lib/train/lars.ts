/** LARS (You et al. 2017): for convolutional networks and large batches. */
import * as tf from "lib/tf.ts";
import {
  beginUpdates,
  type OptimizerState,
  scaledGrad,
  type Update,
  type WeightOptions,
} from "./optimizer_state.ts";

/**
 * Which weights decay, and which adapt the length of their steps. Codes by the name of LARS differ
 * in it:
 *
 * - `dino` (dino, utils.py `LARS`): what has more than one dimension. The code takes filters for
 *   both and sets neither; its parameter groups also leave out of the decay what is called a bias.
 * - `byol` (deepmind-research, byol/utils/optimizers.py `exclude_bias_and_norm`): all but biases
 *   and the weights of norms. Other vectors, as the layer scale of a ConvNeXt, decay and adapt.
 */
export type LarsRule = "dino" | "byol";

export interface LarsOptions extends WeightOptions {
  readonly lr: number;
  /** Added to the gradient of the weights that decay. */
  readonly weightDecay: number;
  /** The part of the buffer that is kept from step to step, a fraction. By default 0.9. */
  readonly momentum?: number;
  /** Length of a step before the learning rate, as a fraction of the weight's. By default 0.001. */
  readonly eta?: number;
  /** By default, `dino`. */
  readonly rule?: LarsRule;
}

/**
 * One update of every weight that has a gradient, in place: `mu ← momentum · mu + q · g`,
 * `w ← w − lr · mu`, with `g` the gradient plus `weightDecay · w`. The learning rate is outside the
 * buffer.
 *
 * `q = eta · ‖w‖ / ‖g‖` adapts each tensor's step to its length, so that the gradient's own length
 * does not matter. It is 1 where either norm is 0, and for weights that do not adapt
 * ({@linkcode LarsRule}).
 *
 * @param state Buffers by weight name.
 * @throws {TypeError} If a gradient has no weight of its name, or the state is another optimiser's.
 */
export function larsStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  { lr, weightDecay, momentum = 0.9, eta = 0.001, rule = "dino", ...ofWeights }: LarsOptions,
): void {
  for (const update of beginUpdates(weights, grads, state, ["mu"], ofWeights)) {
    const { weight, slot: { tensors: { mu } }, lrScale } = update;
    const { decays, adapts } = rules[rule](update);
    tf.tidy(() => {
      const grad = scaledGrad(update);
      const g = decays ? grad.add(weight.mul(weightDecay)) : grad;
      const adapted = adapts ? g.mul(adaptation(weight, g, eta)) : g;
      mu.assign(mu.mul(momentum).add(adapted));
      weight.assign(weight.sub(mu.mul(lr * lrScale)));
    });
  }
}

type RuledUpdate = Pick<Update<"mu">, "name" | "weight" | "decays">;

const rules = {
  dino: ({ weight, decays }: RuledUpdate) => ({ decays, adapts: weight.rank !== 1 }),
  byol(update: RuledUpdate) {
    const follows = !isBiasOrNorm(update);
    return { decays: follows, adapts: follows };
  },
};

/** A norm's `weight` is the only one with one dimension. */
function isBiasOrNorm({ name, weight }: RuledUpdate): boolean {
  return /(^|\.)bias$/.test(name) || (weight.rank === 1 && /(^|\.)weight$/.test(name));
}

/** `q`, a scalar. */
function adaptation(weight: tf.Tensor, g: tf.Tensor, eta: number): tf.Tensor {
  const [length, lengthOfUpdate] = [weight.square().sum().sqrt(), g.square().sum().sqrt()];
  const q = length.div(lengthOfUpdate).mul(eta);
  return tf.where(tf.logicalAnd(length.greater(0), lengthOfUpdate.greater(0)), q, tf.onesLike(q));
}
