/** Compares the optimisers' native kernels with the same functions in plain ops. */
import * as tf from "lib/tf.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { adamWStep } from "./adamw.ts";
import { clipScales } from "./clip.ts";
import { emaUpdate } from "./ema.ts";
import { optimizerStep } from "./optimizer.ts";
import { type OptimizerName, optimizerNames } from "./optimizer_names.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const ignore = !nativeStatus().active;
const shapes = { a: [1], b: [3, 17], "c.bias": [33], d: [40_001], e: [7, 7, 5, 1], f: [257, 96] };

/** A random tensor of the right shape for every name. */
function random(seed: number, std = 1): Map<string, tf.Tensor> {
  return new Map(
    Object.entries(shapes).map(([name, shape], i) => [
      name,
      tf.randomNormal(shape, 0, std, "float32", seed + i),
    ]),
  );
}

function variables(seed: number): Map<string, tf.Variable> {
  return new Map([...random(seed)].map(([name, value]) => [name, tf.variable(value)]));
}

/** Takes three updates, the second without a gradient for `b`; returns all weights and moments. */
function train(): Map<string, tf.Tensor> {
  const [weights, state]: [Map<string, tf.Variable>, OptimizerState] = [variables(1), new Map()];
  for (const step of [1, 2, 3]) {
    const grads = random(10 * step, step);
    if (step === 2) grads.delete("b");
    const { scales } = clipScales(grads, step);
    adamWStep(weights, grads, state, { lr: 0.1 * step, weightDecay: 0.2, scales });
  }
  const moments = [...state].flatMap(([name, { tensors }]) =>
    Object.entries(tensors).map(([role, moment]) => [`${name} ${role}`, moment] as const)
  );
  return new Map<string, tf.Tensor>([...weights, ...moments]);
}

Deno.test({
  name: "native adamWStep() equals the plain one, also where a weight is skipped",
  ignore,
  fn() {
    const [native, again, plain] = [train(), train(), withPlainOps(train)];
    assertEquals([...native.keys()], [...plain.keys()]);
    for (const [name, value] of native) {
      assertClose(value, plain.get(name)!);
      assertEquals(value.dataSync(), again.get(name)!.dataSync(), "two runs differ");
    }
  },
});

Deno.test({
  name: "native adamWStep() leaves a copy of a weight as it was",
  ignore,
  fn() {
    const weights = variables(1);
    const copies = [...weights.values()].map((weight) => weight.reshape([-1]));
    const before = copies.map((copy) => copy.dataSync().slice());
    adamWStep(weights, random(5), new Map(), { lr: 1, weightDecay: 0 });
    copies.forEach((copy, i) => assertEquals(copy.dataSync(), before[i]));
  },
});

/** Takes three updates by SGD or LARS, the second without a gradient for `b`. */
function trainByMomentum(name: OptimizerName): Map<string, tf.Tensor> {
  const [weights, state]: [Map<string, tf.Variable>, OptimizerState] = [variables(1), new Map()];
  for (const step of [1, 2, 3]) {
    const grads = random(10 * step, step);
    if (step === 2) grads.delete("b");
    if (step === 3) grads.set("e", tf.zeros(shapes.e)); // a length of 0
    const scales = new Map([["d", 0.7 * step], ["f", 0.3]]);
    optimizerStep(name, weights, grads, state, { lr: 0.1 * step, weightDecay: 0.2, scales });
  }
  const buffers = [...state].flatMap(([name, { tensors }]) =>
    Object.entries(tensors).map(([role, buffer]) => [`${name} ${role}`, buffer] as const)
  );
  return new Map<string, tf.Tensor>([...weights, ...buffers]);
}

for (const name of optimizerNames.filter((name) => !name.startsWith("adamw"))) {
  Deno.test({
    name: `native ${name} equals the plain one${name === "sgd" ? " to the bit" : ""}`,
    ignore,
    fn() {
      const native = trainByMomentum(name);
      const again = trainByMomentum(name);
      const plain = withPlainOps(() => trainByMomentum(name));
      assertEquals([...native.keys()], [...plain.keys()]);
      for (const [key, value] of native) {
        const expected = plain.get(key)!;
        if (name === "sgd") assertEquals(value.dataSync(), expected.dataSync(), key);
        else assertClose(value, expected, 1e-5);
        assertEquals(value.dataSync(), again.get(key)!.dataSync(), "two runs differ");
      }
    },
  });
}

Deno.test({
  name: "native clipScales() equals the plain one, and passes NaN on",
  ignore,
  fn() {
    const grads = random(3, 0.5);
    const [native, again] = [clipScales(grads, 3), clipScales(grads, 3)];
    const plain = withPlainOps(() => clipScales(grads, 3));
    assertClose(native.norm, plain.norm);
    assertEquals(native, again);
    assertClose([...native.scales.values()], [...plain.scales.values()]);
    grads.set("b", tf.fill([3, 17], NaN));
    const spoilt = clipScales(grads, 3);
    assertTrue(Number.isNaN(spoilt.norm), "the norm lost a NaN");
    assertTrue(Number.isNaN(spoilt.scales.get("b")), "the scale lost a NaN");
  },
});

Deno.test({
  name: "native emaUpdate() equals the plain one",
  ignore,
  fn() {
    const averaged = () => {
      const teacher = variables(1);
      emaUpdate(teacher, variables(50), 0.9);
      return teacher;
    };
    const plain = withPlainOps(averaged);
    for (const [name, value] of averaged()) assertClose(value, plain.get(name)!);
  },
});

Deno.test({
  name: "native optimiser kernels leave no tensors behind",
  ignore,
  fn() {
    const [weights, teacher, grads] = [variables(1), variables(2), random(3)];
    const state: OptimizerState = new Map();
    assertNoLeak(() => {
      const { scales } = clipScales(grads, 1);
      adamWStep(weights, grads, state, { lr: 0.1, weightDecay: 0.1, scales });
      emaUpdate(teacher, weights, 0.9);
    });
  },
});
