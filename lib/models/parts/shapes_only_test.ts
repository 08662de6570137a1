import * as tf from "lib/tf.ts";
import { constantRng } from "lib/rng.ts";
import { createModel, iGptConfig, type ModelConfig, repLKNetConfig } from "lib/models/mod.ts";
import { bcSslConfig, convNeXtConfig, resNetConfig, sLaKConfig } from "lib/models/mod.ts";
import { swinConfig, vitConfig } from "lib/models/mod.ts";
import { familyConfigs } from "lib/models/family_configs.ts";
import { convNeXtIsotropicConfig } from "lib/models/convnext/convnext_isotropic_configs.ts";
import type { Tap } from "lib/models/parts/backbone.ts";
import { countCosts } from "lib/nn/cost.ts";
import { withShapesOnly } from "lib/models/parts/shapes_only.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const configs: readonly ModelConfig[] = [
  convNeXtConfig("atto"),
  bcSslConfig("atto", { kernelSize: 9 }),
  convNeXtIsotropicConfig("small"),
  resNetConfig(18),
  { ...resNetConfig(50), selectiveKernels: true, depths: [1, 1, 1, 1] },
  vitConfig("nano"),
  vitConfig("nano", { normBeforeMlp: "bn" }),
  swinConfig("nano"),
  repLKNetConfig("nano"),
  sLaKConfig("nano"),
  iGptConfig("nano"),
];

/** Every named output's shape, the features' shape, and the work of each layer, of one image. */
function passOf(config: ModelConfig, imageSize: number) {
  const shapes: Record<string, readonly number[]> = {};
  const tap: Tap = (name, output) => {
    shapes[name] = output.shape;
    return output;
  };
  using model = createModel(config, constantRng(), { numClasses: 10 });
  const costs = countCosts(() =>
    tf.tidy(() => {
      const x = tf.zeros<tf.Rank.R4>([1, imageSize, imageSize, 3]);
      const { features, logits } = model.forward(x, { training: false, tap });
      shapes.features = features.shape;
      shapes.logits = logits!.shape;
    })
  );

  return { shapes, costs: costs.map(({ kind, multiplyAdds }) => [kind, multiplyAdds]) };
}

Deno.test("withShapesOnly() gives every network the shapes and the work of a pass with values", () => {
  const before = tf.memory().numTensors;
  for (const config of configs) {
    const size = "imageSize" in config ? config.imageSize as number : 64;
    const expected = passOf(config, size);
    assertEquals(withShapesOnly(() => passOf(config, size)), expected);
    assertTrue(expected.costs.length > 3, config.arch);
  }
  const families = new Set(configs.map(({ arch }) => arch));
  assertEquals([...families].sort(), Object.keys(familyConfigs).sort());
  assertEquals(tf.memory().numTensors, before);
});

Deno.test("withShapesOnly() has no values, and leaves the backend as it was, also when it throws", () => {
  const backend = tf.getBackend();
  const read = () => tf.tidy(() => tf.fill([2], 1).add(1).dataSync());
  assertThrows(() => withShapesOnly(read), Error, "it has a shape and no values");
  assertEquals(tf.getBackend(), backend);
  assertEquals([...read()], [2, 2]);
  const outside = tf.tensor2d([[1, 2]]);
  assertEquals(withShapesOnly(() => tf.tidy(() => outside.tile([3, 2]).shape)), [3, 4]);
  assertEquals([...outside.dataSync()], [1, 2]);
  outside.dispose();
  const unused = () => withShapesOnly(() => tf.tidy(() => tf.fill([2], 1).cumsum()));
  assertThrows(unused, Error, "Cumsum");
});
