import * as tf from "lib/tf.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { clipOnDevice, clipScales, normOf } from "./clip.ts";
import { optimizerStep } from "./optimizer.ts";
import { optimizerNames } from "./optimizer_names.ts";
import type { OptimizerState } from "./optimizer_state.ts";
import { numberOf } from "./reading.ts";
import { StepGuard } from "./step_guard.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";

const shapes = { "a.weight": [3, 4], "a.bias": [4], "b.weight": [2, 3, 1, 5] } as const;

function tensors(seed: number): Map<string, tf.Tensor> {
  return new Map(
    Object.entries(shapes).map(([name, shape], i) =>
      [name, tf.randomNormal([...shape], 0, 1, "float32", seed + i)] as const
    ),
  );
}

/** Weights and the optimiser's state after three steps; `bad` of them have a NaN in a gradient. */
function train(
  name: typeof optimizerNames[number],
  { together, onDevice, bad = [] }: {
    readonly together: boolean;
    readonly onDevice: boolean;
    readonly bad?: readonly number[];
  },
): Map<string, Float32Array> {
  const weights = new Map([...tensors(1)].map(([name, x]) => [name, tf.variable(x)]));
  const state: OptimizerState = new Map();
  using guard = new StepGuard();
  for (let step = 0; step < 3; step++) {
    const grads = tensors(10 * step + 20);
    if (bad.includes(step)) grads.set("a.bias", tf.tensor1d([1, NaN, 0, 2]));
    const options = { lr: 0.1, weightDecay: 0.05 };
    if (!onDevice) {
      const { scales } = clipScales(grads, 1.5, together);
      optimizerStep(name, weights, grads, state, { ...options, scales });
      continue;
    }
    const { squares, scales } = clipOnDevice(grads, 1.5, together);
    const decided = { ok: guard.judge([squares]), scales };
    optimizerStep(name, weights, grads, state, { ...options, decided });
  }
  const moments = [...state].flatMap(([name, slot]) =>
    Object.entries(slot.tensors).map(([role, x]) => [`${name} ${role}`, x] as const)
  );
  return new Map(
    [...weights, ...moments].map(([name, x]) => [name, x.dataSync<"float32">().slice()]),
  );
}

/** Asking registers the kernels: without it, "native" would be plain too. */
const noKernels = !nativeStatus().active;

for (
  const [ops, withOps] of [["native", <T>(f: () => T) => f()], ["plain", withPlainOps]] as const
) {
  const ignore = ops === "native" && noKernels;
  for (const name of optimizerNames) {
    Deno.test(`${name} with ${ops} ops: what the device decides is what is decided here`, {
      ignore,
    }, () => {
      withOps(() => {
        for (const together of [false, true]) {
          const expected = train(name, { together, onDevice: false });
          const actual = train(name, { together, onDevice: true });
          for (const [key, values] of expected) assertClose(actual.get(key)!, values, 1e-6);
        }
      });
    });

    Deno.test(
      `${name} with ${ops} ops: a gradient that is not finite stops all later updates too`,
      { ignore },
      () => {
        withOps(() => {
          const stopped = train(name, { together: false, onDevice: true, bad: [1] });
          const later = train(name, { together: false, onDevice: true, bad: [1, 2] });
          assertEquals(stopped, later);
          assertEquals([...stopped.values()].flatMap((x) => [...x]).every(Number.isFinite), true);
          const never = train(name, { together: false, onDevice: true, bad: [0] });
          const first = new Map([...tensors(1)].map(([name, x]) => [name, x.dataSync()]));
          for (const [key, values] of never) {
            assertEquals(values, first.get(key) ?? new Float32Array(values.length), key);
          }
        });
      },
    );
  }
}

Deno.test("clipOnDevice() has the factors and the norm of clipScales()", () => {
  const grads = tensors(3);
  for (const together of [false, true]) {
    const { squares, scales } = clipOnDevice(grads, 1.5, together);
    const expected = clipScales(grads, 1.5, together);
    assertClose(scales!, [...expected.scales.values()], 1e-6);
    assertClose(numberOf(normOf(squares)), expected.norm, 1e-6);
  }
  assertEquals(clipOnDevice(grads, Infinity).scales, undefined);
});
