import * as tf from "lib/tf.ts";
import { adamWStep } from "./adamw.ts";
import { larsStep } from "./lars.ts";
import { type OptimizerName, optimizerStep } from "./optimizer.ts";
import { optimizerNames } from "./optimizer_names.ts";
import { disposeOptimizer, type OptimizerState } from "./optimizer_state.ts";
import { sgdStep } from "./sgd.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

type Weights = Map<string, tf.Variable>;
type Grads = Map<string, tf.Tensor>;

const options = { lr: 0.5, weightDecay: 0.2 };
const weightsOf = (): Weights =>
  new Map<string, tf.Variable>([
    ["w", tf.variable(tf.tensor2d([[2, -1]]))],
    ["w.bias", tf.variable(tf.tensor2d([[2, -1]]))],
    ["gamma", tf.variable(tf.tensor1d([2, -1]))],
  ]);
const gradsOf = (value: number): Grads =>
  // The second element's gradient is as small as AdamW's eps.
  new Map([...weightsOf()].map(([name, { shape }]) => [
    name,
    tf.tensor([value, value * 1e-7], shape),
  ]));

/** The weights after two steps; the second one also shows the state that the first one left. */
function after(step: (weights: Weights, grads: Grads, state: OptimizerState) => void): Weights {
  const weights = weightsOf();
  const state: OptimizerState = new Map();
  for (const value of [0.3, -0.1]) step(weights, gradsOf(value), state);
  return weights;
}

const expected: Record<OptimizerName, Weights> = {
  adamw: after((w, g, state) =>
    adamWStep(w, g, state, { ...options, beta1: 0.9, beta2: 0.999, eps: 1e-8 })
  ),
  adamw_all: after((w, g, state) => adamWStep(w, g, state, { ...options, decayAll: true })),
  sgd: after((w, g, state) => sgdStep(w, g, state, { ...options, momentum: 0.9 })),
  lars: after((w, g, state) => larsStep(w, g, state, { ...options, momentum: 0.9, eta: 0.001 })),
  lars_byol: after((w, g, state) =>
    larsStep(w, g, state, { ...options, momentum: 0.9, eta: 0.001, rule: "byol" })
  ),
  lars_simclr: after((w, g, state) =>
    larsStep(w, g, state, { ...options, momentum: 0.9, eta: 0.001, rule: "simclr" })
  ),
  lars_swav: after((w, g, state) =>
    larsStep(w, g, state, { ...options, momentum: 0.9, eta: 0.001, rule: "swav" })
  ),
  lars_mocov3: after((w, g, state) =>
    larsStep(w, g, state, { ...options, momentum: 0.9, eta: 0.001, rule: "mocov3" })
  ),
};

/** Which weights decay besides the matrix `w`: the matrix `w.bias`, or the vector `gamma`. */
const alsoDecaying: Partial<Record<OptimizerName, readonly string[]>> = {
  adamw_all: ["w.bias", "gamma"],
  lars_byol: ["gamma"],
  lars_simclr: ["gamma"],
  lars_mocov3: ["w.bias"],
  lars_swav: ["w.bias", "gamma"],
};

for (const name of optimizerNames) {
  Deno.test(`optimizerStep() by ${name} has the reference's constants`, () => {
    const actual = after((w, g, state) => optimizerStep(name, w, g, state, options));
    for (const [weight, value] of actual) assertClose(value, expected[name].get(weight)!, 1e-7);
  });

  Deno.test(`optimizerStep() by ${name} decays what it is to decay`, () => {
    const [decayed, plain] = [0.2, 0].map((weightDecay) =>
      after((w, g, state) => optimizerStep(name, w, g, state, { ...options, weightDecay }))
    );
    for (const [weight, value] of decayed!) {
      const gap = value.sub(plain!.get(weight)!).abs().max().dataSync()[0]!;
      const decays = weight === "w" || alsoDecaying[name]?.includes(weight) === true;
      assertEquals(gap > 1e-5, decays, `${weight} differs by ${gap}`);
    }
  });
}

for (const name of optimizerNames) {
  Deno.test(`optimizerStep() by ${name} gives a weight with a factor its own learning rate`, () => {
    const lrScales = new Map([["w", 0.3], ["gamma", 2]]);
    const scaled = after((w, g, state) =>
      optimizerStep(name, w, g, state, { ...options, lrScales })
    );
    for (const [weight, value] of scaled) {
      const lr = options.lr * (lrScales.get(weight) ?? 1);
      const alone = after((w, g, state) => optimizerStep(name, w, g, state, { ...options, lr }));
      assertClose(value, alone.get(weight)!, 1e-7);
    }
  });
}

Deno.test("optimizerStep() refuses what another optimiser kept, and changes nothing", () => {
  const weights = weightsOf();
  const state: OptimizerState = new Map();
  optimizerStep("lars", weights, gradsOf(1), state, options);
  const before = [...weights.values()].map((weight) => weight.dataSync().slice());
  const step = () => optimizerStep("sgd", weights, gradsOf(1), state, options);
  assertThrows(step, TypeError, "Cannot update w: need its momentum, current state has mu");
  assertEquals([...weights.values()].map((weight) => weight.dataSync()), before);
  assertEquals([...state.values()].map(({ steps }) => steps), [1, 1, 1]);
});

Deno.test("optimizerStep() names the optimisers there are", () => {
  const step = () => optimizerStep("adam" as "adamw", weightsOf(), gradsOf(1), new Map(), options);
  assertThrows(
    step,
    RangeError,
    'Unknown optimizer "adam": use adamw, adamw_all, sgd, lars, lars_byol, lars_simclr, lars_swav, lars_mocov3',
  );
});

Deno.test("disposeOptimizer() frees every slot", () => {
  const [weights, grads] = [weightsOf(), gradsOf(1)];
  const before = tf.memory().numTensors;
  for (const name of optimizerNames) {
    const state: OptimizerState = new Map();
    optimizerStep(name, weights, grads, state, options);
    disposeOptimizer(state);
    assertEquals(state.size, 0);
  }
  assertEquals(tf.memory().numTensors, before);
});
