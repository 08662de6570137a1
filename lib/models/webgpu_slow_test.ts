/**
 * A small network of every family on WebGPU against the CPU: outputs, running statistics and the
 * gradient of every weight. Skipped, and counted so, without an adapter.
 */
import * as tf from "lib/tf.ts";
import { constantRng } from "lib/rng.ts";
import { createModel, type ModelConfig } from "lib/models/mod.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { fillByFormula, formula, formulaImage } from "lib/testing/formula.ts";
import { onWebGpu, valuesOf, withoutWebGpu } from "lib/testing/gpu/webgpu.ts";

/** A case of golden_test.ts. */
interface Case {
  readonly name: string;
  readonly config: ModelConfig;
  readonly numClasses: number;
  readonly input: [number, number, number];
  readonly training: boolean;
}

const names = [
  "small Swin, BatchNorm before MLPs, batch statistics",
  "small ViT",
  "small ResNet of basic blocks",
  "small BC-SSL, kernels by stage",
  "small SLaK, batch statistics",
  "small RepLKNet",
];

const cases: Case[] = ["convnext", "replknet", "resnet", "slak", "swin", "vit"].flatMap((family) =>
  JSON.parse(Deno.readTextFileSync(new URL(`golden/${family}.json`, import.meta.url))) as Case[]
).filter(({ name }) => names.includes(name));

/** What a network computes, by names; the gradients begin with `grad`. */
async function results({ config, numClasses, input, training }: Case) {
  const model = createModel(config, constantRng(), { numClasses });
  fillByFormula(model.params);
  const weights = parameters(model.params);
  const named = tf.tidy(() => {
    const x = formulaImage(input);
    const { logits, features, stages } = model.forward(x, { training });
    const cotangent = tf.tensor(formula("cotangent", logits!.size), logits!.shape);
    const loss = () => model.forward(x, { training }).logits!.mul(cotangent).sum() as tf.Scalar;
    const { grads } = tf.variableGrads(loss, [...weights.values()]);
    const all = [...weights].map(([name, { name: id }]) => [`grad of ${name}`, grads[id]!]);
    const buffers = [...namedVariables(model.params)].filter(([name]) => !weights.has(name))
      .map(([name, buffer]) => [name, buffer.clone()]);
    return { logits: logits!, features, ...stages, ...Object.fromEntries([...all, ...buffers]) };
  }) as Record<string, tf.Tensor>;
  const values = await valuesOf(Object.values(named));
  disposeTree(model.params);
  return new Map(Object.keys(named).map((name, i) => [name, values[i]!.values]));
}

Deno.test("there is a small network of every family", () => {
  assertEquals(cases.map(({ name }) => name).toSorted(), names.toSorted());
});

for (const one of cases) {
  Deno.test({
    name: `WebGPU: ${one.name} equals the CPU's, with all gradients`,
    ignore: withoutWebGpu,
    async fn() {
      const [expected, actual] = [await results(one), await onWebGpu(() => results(one))];
      const largest = expected.entries().filter(([name]) => name.startsWith("grad"))
        .reduce((most, [, values]) => Math.max(most, ...values.map(Math.abs)), 0);
      for (const [name, values] of expected) {
        // A bias before a BatchNorm has no gradient but rounding.
        const noise = name.startsWith("grad") && Math.max(...values.map(Math.abs)) < 1e-5 * largest;
        if (!noise) assertClose(actual.get(name)!, values, 1e-4);
      }
    },
  });
}
