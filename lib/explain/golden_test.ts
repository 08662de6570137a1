/**
 * Class activation maps against pytorch-grad-cam's: `golden/make_golden.py` draws the same networks
 * in double precision.
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { asMaps, camLayer, layerOutputs } from "lib/explain/cam_layers.ts";
import { eigenCam } from "lib/explain/eigen_cam.ts";
import { gradCam } from "lib/explain/grad_cam.ts";
import { type Heatmap, heatmapsOf, type SignedMap } from "lib/explain/heatmap.ts";
import { principalProjection } from "lib/explain/principal_projection.ts";
import { createModel, type Model, type ModelConfig } from "lib/models/mod.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { fillByFormula, formulaImage } from "lib/testing/formula.ts";

interface Sample {
  readonly shape: number[];
  readonly rms: number;
  readonly values: number[];
}

interface Golden {
  readonly name: string;
  readonly config: ModelConfig;
  readonly input: [number, number, number];
  readonly layers: string[];
  readonly targets: number[] | null;
  readonly classes: number[];
  readonly gradCam: Sample[];
  readonly eigenCam: Sample[];
  readonly otherWayRound: (Sample | null)[];
}

const goldens: Golden[] = JSON.parse(
  Deno.readTextFileSync(new URL("golden/cams.json", import.meta.url)),
);

function assertMap({ height, width, values }: Heatmap, expected: Sample): void {
  assertEquals([height, width], expected.shape);
  const n = expected.values.length;
  const sample = expected.values.map((_, i) => values[Math.floor(i * values.length / n)]!);
  sample.forEach((value, i) => {
    const close = Math.abs(value - expected.values[i]!) <= 1e-4; // maps are 0 to 1
    assertTrue(close, `[${i}]: ${value} is not ${expected.values[i]}`);
  });
  const rms = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
  assertClose(rms, expected.rms, 1e-4);
}

function goldenModel({ config }: Golden): Model {
  const model = createModel(config, createRng(0), { numClasses: 10 });
  fillByFormula(model.params);
  return model;
}

for (const golden of goldens) {
  const { name, config, input, layers, targets, classes } = golden;

  Deno.test(`${name}: gradCam() equals pytorch-grad-cam's to 1e-4`, async () => {
    using model = goldenModel(golden);
    const x = formulaImage(input);
    const maps = await gradCam(model, x, { layers, classes: targets ?? undefined });
    assertEquals(maps.map(({ classIndex }) => classIndex), classes);
    maps.forEach((map, i) => assertMap(map, golden.gradCam[i]!));
    if (layers.length > 1 || layers[0] !== camLayer(config)) return;
    (await gradCam(model, x, { classes })).forEach((map, i) => assertMap(map, golden.gradCam[i]!));
  });

  Deno.test(`${name}: eigenCam() equals pytorch-grad-cam's to 1e-4`, async () => {
    using model = goldenModel(golden);
    const maps = await eigenCam(model, formulaImage(input), { layers });
    maps.forEach((map, i) => assertMap(map, golden.eigenCam[i]!));
  });
}

Deno.test("eigenCam() turned round is the package's own EigenCAM where that is not ours", () => {
  let compared = 0;
  for (const golden of goldens.filter(({ layers }) => layers.length === 1)) {
    using model = goldenModel(golden);
    const images = formulaImage(golden.input);
    const turned: SignedMap[] = [];
    tf.tidy(() => {
      const { outputs, grid } = layerOutputs(model, images, golden.layers);
      for (const map of tf.unstack(asMaps(outputs[0]!, grid))) {
        const [height, width, channels] = map.shape as [number, number, number];
        const values = principalProjection(map.dataSync<"float32">(), channels).map((v) => -v);
        turned.push({ height, width, values });
      }
    });
    heatmapsOf([turned], images).forEach((map, i) => {
      const expected = golden.otherWayRound[i];
      if (!expected) return;
      compared++;
      assertMap(map, expected);
    });
  }
  assertEquals(
    compared,
    goldens.filter(({ layers }) => layers.length === 1)
      .flatMap(({ otherWayRound }) => otherWayRound.filter((map) => map !== null)).length,
  );
  assertTrue(compared > 3, `only ${compared} of them`);
});
