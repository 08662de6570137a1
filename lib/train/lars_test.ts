import * as tf from "lib/tf.ts";
import { type LarsRule, larsStep } from "./lars.ts";
import { disposeOptimizer, type OptimizerState } from "./optimizer_state.ts";
import dinoGolden from "./golden/lars.json" with { type: "json" };
import byolGolden from "./golden/lars_byol.json" with { type: "json" };
import mocoV3Golden from "./golden/lars_mocov3.json" with { type: "json" };
import simclrGolden from "./golden/lars_simclr.json" with { type: "json" };
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import swavGolden from "./golden/lars_swav.json" with { type: "json" };

type Values = Readonly<Record<string, number[]>>;

interface Golden {
  readonly weightDecay: number;
  readonly shapes: Values;
  readonly initial: Values;
  readonly steps: readonly {
    readonly lr: number;
    readonly grads: Values;
    readonly weights: Values;
  }[];
}

const goldens: Readonly<Record<LarsRule, Golden>> = {
  dino: dinoGolden,
  byol: byolGolden,
  simclr: simclrGolden,
  swav: swavGolden,
  mocov3: mocoV3Golden,
};

/** Tensors of the shapes that the golden file gives by name. */
function tensors(values: Values, shapes = goldens.dino.shapes): Map<string, tf.Tensor> {
  return new Map(
    Object.entries(values).map(([name, flat]) => [
      name,
      tf.tensor(flat, shapes[name]),
    ]),
  );
}

function variables({ initial, shapes } = goldens.dino): Map<string, tf.Variable> {
  return new Map(
    [...tensors(initial, shapes)].map(([name, value]) => [name, tf.variable(value)]),
  );
}

for (const rule of ["dino", "byol", "simclr", "swav", "mocov3"] as const) {
  Deno.test(`larsStep() equals the LARS of ${rule}'s code: the right weights adapt and decay`, () => {
    const golden = goldens[rule];
    const weights = variables(golden);
    const state: OptimizerState = new Map();
    const { weightDecay, shapes } = golden;
    for (const step of golden.steps) {
      larsStep(weights, tensors(step.grads, shapes), state, { lr: step.lr, weightDecay, rule });
      for (const [name, weight] of weights) assertClose(weight, step.weights[name]!, 1e-6);
    }
  });
}

Deno.test("larsStep() moves a weight by its own length, whatever the gradient's", () => {
  const moved = (scale: number) => {
    const weight = tf.variable(tf.tensor2d([[3, 4]]));
    const grads = new Map([["w", tf.tensor2d([[0, 2]]).mul(scale)]]);
    larsStep(new Map([["w", weight]]), grads, new Map(), { lr: 10, weightDecay: 0, eta: 0.01 });
    return weight;
  };
  assertClose(moved(1), [3, 3.5]);
  assertClose(moved(1000), [3, 3.5]);
});

Deno.test("larsStep() takes a gradient of zeros, as of a weight that the loss has not reached", () => {
  for (const rule of ["dino", "swav"] as const) {
    const weight = tf.variable(tf.tensor2d([[3, 4]]));
    const grads = new Map<string, tf.Tensor>([["w", tf.zeros([1, 2])]]);
    larsStep(new Map([["w", weight]]), grads, new Map(), { lr: 10, weightDecay: 0, rule });
    assertClose(weight, [3, 4]);
  }
});

Deno.test("larsStep() keeps buffers by name: a weight without a gradient rests", () => {
  const weights = variables();
  const state: OptimizerState = new Map();
  const vector = new Map<string, tf.Tensor>([["vector", tf.tensor1d([1, 2])]]);
  larsStep(weights, vector, state, { lr: 1, weightDecay: 0.1 });
  assertEquals([...state.keys()], ["vector"]);
  for (const [name, weight] of variables()) {
    if (name !== "vector") assertClose(weights.get(name)!, weight, 0);
  }
  const stranger = new Map([["stranger", tf.zeros([1])]]);
  const step = () => larsStep(weights, stranger, state, { lr: 1, weightDecay: 0 });
  assertThrows(step, TypeError, "stranger");
});

Deno.test("larsStep() keeps no tensor but its buffers", () => {
  const weights = variables();
  const grads = tensors(goldens.dino.steps[0]!.grads);
  assertNoLeak(() => {
    const state: OptimizerState = new Map();
    for (let i = 0; i < 2; i++) larsStep(weights, grads, state, { lr: 1, weightDecay: 0.1 });
    disposeOptimizer(state);
  });
});
