/**
 * Every family against its reference: the scripts in `golden/` hold the definitions in PyTorch,
 * fill them by formula and write what they compute in double precision.
 */
import * as tf from "lib/tf.ts";
import { constantRng } from "lib/rng.ts";
import { createModel, type Model, type ModelConfig, type ModelOutput } from "lib/models/mod.ts";
import { layoutOf, toTorchOrder } from "lib/nn/layout.ts";
import { disposeTree, namedVariables, parameters } from "lib/nn/parameters.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { fillByFormula, formula, formulaImage } from "lib/testing/formula.ts";

/** Values at evenly spread flat indices. */
interface Sample {
  readonly shape: number[];
  readonly rms: number;
  readonly values: number[];
}

/** One model on one input, as `golden/formula.py` writes it. */
interface Golden {
  readonly name: string;
  readonly config: ModelConfig;
  readonly numClasses: number;
  /** Images, height, width. */
  readonly input: [number, number, number];
  readonly training: boolean;
  readonly logits: Sample;
  readonly features: Sample;
  readonly stages: Sample[];
  /** Running statistics after the pass. */
  readonly buffers?: Record<string, Sample>;
  /** The gradient of `Σ logits · cotangent`, in PyTorch's order. */
  readonly grads?: Record<string, Sample>;
}

/** Relative to the largest value of the sample. */
function assertSample(actual: tf.Tensor, { shape, rms, values }: Sample, tolerance: number): void {
  assertEquals(actual.shape, shape);
  const flat = actual.dataSync<"float32">();
  const rmsOfActual = Math.sqrt(flat.reduce((sum, v) => sum + v * v, 0) / flat.length);
  assertClose(rmsOfActual, rms, tolerance);
  const sample = values.map((_, i) => flat[Math.floor(i * flat.length / values.length)]!);
  assertClose(sample, values, tolerance);
}

function assertOutputs(output: ModelOutput, golden: Golden): void {
  assertEquals(output.stages.length, golden.stages.length);
  golden.stages.forEach((stage, i) => assertSample(output.stages[i]!, stage, 1e-5));
  assertSample(output.features, golden.features, 1e-5);
  assertSample(output.logits!, golden.logits, 1e-5);
}

function assertGrads(model: Model, x: tf.Tensor4D, { training, grads, logits }: Golden): void {
  const cotangent = tf.tensor(
    formula("cotangent", tf.util.sizeFromShape(logits.shape)),
    logits.shape,
  );
  const weights = parameters(model.params);
  assertEquals([...weights.keys()].sort(), Object.keys(grads!).sort());
  const loss = () => model.forward(x, { training }).logits!.mul(cotangent).sum() as tf.Scalar;
  const actual = tf.variableGrads(loss, [...weights.values()]).grads;
  const largest = Math.max(...Object.values(grads!).map(({ rms }) => rms));
  for (const [name, variable] of weights) {
    const grad = toTorchOrder(actual[variable.name]!, layoutOf(variable));
    const expected = grads![name]!;
    if (expected.rms > 1e-9 * largest) assertSample(grad, expected, 1e-4);
    else { // a bias before a BatchNorm: rounding, on either side
      assertEquals(grad.shape, expected.shape);
      assertTrue(grad.abs().max().dataSync()[0]! < 1e-5 * largest, `${name} has a gradient`);
    }
  }
}

for (const file of [...Deno.readDirSync(new URL("golden", import.meta.url))]) {
  if (!file.name.endsWith(".json") || file.name.includes("names")) continue;
  const cases: Golden[] = JSON.parse(
    Deno.readTextFileSync(new URL(`golden/${file.name}`, import.meta.url)),
  );
  for (const golden of cases) {
    const { name, config, numClasses, input, training } = golden;
    Deno.test(`${name} equals its reference on [${input}]`, () => {
      const model = createModel(config, constantRng(), { numClasses });
      fillByFormula(model.params);
      tf.tidy(() => {
        const x = formulaImage(input);
        assertOutputs(model.forward(x, { training }), golden);
        const variables = namedVariables(model.params);
        for (const [buffer, expected] of Object.entries(golden.buffers ?? {})) {
          assertSample(variables.get(buffer)!, expected, 1e-5);
        }
        if (golden.grads) assertGrads(model, x, golden);
      });
      disposeTree(model.params);
    });
  }
}
