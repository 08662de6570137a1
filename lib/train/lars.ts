/** LARS (You et al. 2017): for convolutional networks and large batches. */
import type * as tf from "lib/tf.ts";
import { type MomentumFactors, moveByMomentum } from "./momentum.ts";
import {
  beginUpdates,
  type OptimizerState,
  type Update,
  type WeightOptions,
} from "./optimizer_state.ts";

/**
 * Which weights decay, which have adaptive steps, and where the learning rate enters.
 * Implementations of LARS differ in this:
 *
 * - `dino` (dino, utils.py `LARS`): weights with more than one dimension do both. The code has
 *   options for other rules but leaves them unset. Its parameter groups also exempt from decay
 *   every weight with the name `bias`.
 * - `byol` (deepmind-research, byol/utils/optimizers.py `exclude_bias_and_norm`): all weights do
 *   both, except biases and the weights of norms. So other vectors, such as the layer scale of a
 *   ConvNeXt, do both.
 * - `simclr` (simclr, tf2/lars_optimizer.py and `build_optimizer` of tf2/model.py): the same weights
 *   as `byol`, but the learning rate enters the buffer (`classic_momentum`). So steps of a warm-up
 *   stay small in the buffer.
 * - `swav` (swav, main_swav.py, with `LARC` of apex): all weights do both, biases and norms too. The
 *   length of a step is set by another quotient, in which the lengths of gradient and decay are
 *   added.
 * - `mocov3` (moco-v3, moco/optimizer.py): weights with more than one dimension do both, whatever
 *   their names are.
 */
export type LarsRule = "dino" | "byol" | "simclr" | "swav" | "mocov3";

export interface LarsOptions extends WeightOptions {
  readonly lr: number;
  /** Factor of the weight that is added to its gradient, for the weights that decay. */
  readonly weightDecay: number;
  /** Fraction of the buffer that is kept from step to step. By default 0.9. */
  readonly momentum?: number;
  /**
   * Length of a step as a fraction of the weight's length, before the learning rate. By default
   * 0.001.
   */
  readonly eta?: number;
  /** Whose LARS it is. By default, `dino`. */
  readonly rule?: LarsRule;
}

/**
 * One update of every weight that has a gradient, in place: `mu ← momentum · mu + q · g`,
 * `w ← w − lr · mu`, with `g` the gradient plus `weightDecay · w`. By the rule `simclr` it is
 * `mu ← momentum · mu + lr · q · g`, `w ← w − mu`.
 *
 * `q = eta · ‖w‖ / ‖g‖` makes the step of each tensor proportional to the length of the tensor,
 * whatever the length of the gradient. It is 1 where either norm is 0, and for weights without
 * adaptive steps ({@linkcode LarsRule}). By the rule `swav` it is `eta · ‖w‖ / (‖gradient‖ +
 * weightDecay · ‖w‖ + 1e-8)`, and a weight without length or gradient does not decay either.
 *
 * @param state The buffers, by the names of the weights.
 * @throws {TypeError} If a gradient has no weight of its name, or the state is another optimiser's.
 */
export function larsStep(
  weights: ReadonlyMap<string, tf.Variable>,
  grads: ReadonlyMap<string, tf.Tensor>,
  state: OptimizerState,
  { lr, weightDecay, momentum = 0.9, eta = 0.001, rule = "dino", ...ofWeights }: LarsOptions,
): void {
  const updates = beginUpdates(weights, grads, state, ["mu"], ofWeights);
  const factors = updates.map((update): MomentumFactors => {
    const rate = lr * update.lrScale;
    const { decays, adapts } = rules[rule](update);
    const [inside, outside] = rule === "simclr" ? [rate, 1] : [1, rate]; // of the buffer
    return { decay: decays ? weightDecay : 0, momentum, inside, outside, eta, adapts };
  });
  moveByMomentum(updates, "mu", factors, ofWeights.decided);
}

/** An update, with all that a rule reads of it. */
type RuledUpdate = Pick<Update<"mu">, "name" | "weight" | "decays">;
type Ruled = Pick<MomentumFactors, "adapts"> & { readonly decays: boolean };

/** What a weight does by each rule. */
const rules: Readonly<Record<LarsRule, (update: RuledUpdate) => Ruled>> = {
  dino: ({ decays, weight }) => ({ decays, adapts: weight.rank !== 1 ? "to lengths" : "not" }),
  byol: (update) => both(!isBiasOrNorm(update)),
  simclr: (update) => both(!isBiasOrNorm(update)),
  swav: () => ({ decays: true, adapts: "as apex" }),
  mocov3: ({ weight }) => both(weight.rank > 1),
};

function both(follows: boolean): Ruled {
  return { decays: follows, adapts: follows ? "to lengths" : "not" };
}

/**
 * Whether a weight is a bias or belongs to a norm: only in a norm does a `weight` have one
 * dimension.
 */
function isBiasOrNorm({ name, weight }: RuledUpdate): boolean {
  return /(^|\.)bias$/.test(name) || (weight.rank === 1 && /(^|\.)weight$/.test(name));
}
