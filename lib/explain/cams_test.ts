import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { camLayer, camLayerAt } from "lib/explain/cam_layers.ts";
import { eigenCam } from "lib/explain/eigen_cam.ts";
import { gradCam } from "lib/explain/grad_cam.ts";
import { heatmapsOf } from "lib/explain/heatmap.ts";
import { principalProjection } from "lib/explain/principal_projection.ts";
import { withClassifier } from "lib/explain/with_classifier.ts";
import {
  bcSslConfig,
  convNeXtConfig,
  convNeXtIsotropicConfig,
  createModel,
  type ModelConfig,
  repLKNetConfig,
  resNetConfig,
  sLaKConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { assertClose, assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeakAsync } from "lib/testing/leaks.ts";

const small: ModelConfig = { ...convNeXtConfig("atto"), depths: [1, 1], dims: [8, 16] };
const images = (count: number, height: number, width = height) =>
  tf.randomNormal([count, height, width, 3], 0, 1, "float32", 5) as tf.Tensor4D;

/** Each architecture, small, with the layer that the paper looks at. */
const layersOf: readonly (readonly [ModelConfig, string])[] = [
  [small, "stages.1.0"],
  [{ ...bcSslConfig("atto"), depths: [1, 2], dims: [8, 16] }, "stages.1.1"],
  [{ ...convNeXtIsotropicConfig("small"), depth: 2, dim: 12 }, "blocks.1"],
  [{ ...resNetConfig(18), depths: [1, 3], dims: [8, 16] }, "layer2.2"],
  [
    { ...repLKNetConfig("31B"), depths: [1, 1], dims: [8, 16], kernelSizes: [7, 5] },
    "stages.1.blocks.1",
  ],
  [{ ...sLaKConfig("tiny"), depths: [1, 1], dims: [8, 16], kernelSizes: [9, 7] }, "stages.1.0"],
  [{ ...vitConfig("tiny"), embedDim: 12, depth: 2, numHeads: 3 }, "blocks.1.norm1"],
  [
    { ...swinConfig("tiny"), embedDim: 12, depths: [1, 2], numHeads: [2, 2] },
    "layers.1.blocks.1.norm1",
  ],
];

for (const [config, layer] of layersOf) {
  Deno.test(`a ${config.arch} is explained by ${layer}, and nothing leaks`, async () => {
    assertEquals(camLayer(config), layer);
    assertEquals(camLayerAt(config, 8, "last"), layer);
    using model = createModel(config, createRng(0), { numClasses: 3 });
    const x = images(2, 64);
    const [first] = await gradCam(model, x, { classes: [2, 0] });
    assertEquals([first!.height, first!.width, first!.classIndex], [64, 64, 2]);
    assertClose(first!.values.reduce((a, b) => Math.max(a, b)), 1, 1e-3);
    await assertNoLeakAsync(() => gradCam(model, x));
    await assertNoLeakAsync(() => eigenCam(model, x));
  });
}

Deno.test("camLayerAt() takes the stage with most blocks where the last map is below 5 × 5", () => {
  const small = { ...bcSslConfig("atto"), depths: [1, 3, 1, 1], dims: [8, 16, 16, 16] };
  const at = (side: number, depth?: "deep" | "last") => camLayerAt(small, side, depth);
  assertEquals([at(80), at(80, "deep"), at(80, "last")], [
    "stages.1.2",
    "stages.1.2",
    "stages.3.0",
  ]);
  assertEquals([at(159), at(160), at(160, "deep")], ["stages.1.2", "stages.3.0", "stages.1.2"]);
  assertEquals([at(32), at(8)], ["stages.0.0", "stages.0.0"]); // 8 × 8 and 2 × 2 positions
  const equal = { ...small, depths: [2, 2, 2, 2] };
  assertEquals([camLayerAt(equal, 80), camLayerAt(equal, 79)], ["stages.2.1", "stages.1.1"]);
  const swin = { ...swinConfig("tiny"), embedDim: 12, depths: [1, 2, 1], numHeads: [2, 2, 2] };
  assertEquals(camLayerAt(swin, 56), "layers.1.blocks.1.norm1");
  const vit = { ...vitConfig("tiny"), embedDim: 12, depth: 2, numHeads: 3, patchSize: 8 };
  assertEquals([camLayerAt(vit, 80), camLayerAt(vit, 80, "deep")], Array(2).fill("blocks.1.norm1"));
  const unknown = () => camLayerAt(small, 80, "first" as "last");
  assertThrows(unknown, RangeError, 'layer "first": use deep or last');
});

Deno.test("principalProjection() of a plane's points is how far they lie along its longer axis", () => {
  const long = [0.6, 0, 0.8]; // and across it [0.8, 0, −0.6]
  const at = [[-4, 1], [1, -1], [2, -1], [1, 1]]; // along and across; their sums are 0
  const rows = at.flatMap(([along, across]) => [
    7 + along! * long[0]! + across! * 0.8,
    -3,
    2 + along! * long[2]! - across! * 0.6,
  ]);
  const products = (i: number, j: number) => at.reduce((sum, p) => sum + p[i]! * p[j]!, 0);
  const [a, b, d] = [products(0, 0), products(0, 1), products(1, 1)]; // a 2×2 matrix, solved on paper
  const largest = (a + d) / 2 + Math.sqrt(((a - d) / 2) ** 2 + b ** 2);
  const length = Math.hypot(b, largest - a);
  const expected = at.map(([x, y]) => -(x! * b + y! * (largest - a)) / length);
  const sign = Math.sign(expected.reduce((p, q) => Math.abs(q) > Math.abs(p) ? q : p));
  const projection = principalProjection(Float32Array.from(rows), 3);
  assertClose(projection, expected.map((value) => sign * value), 1e-6);
  const turned = principalProjection(Float32Array.from(rows, (value) => -value), 3);
  assertClose(turned, projection, 1e-6); // the farthest point is on the positive side either way
});

Deno.test("principalProjection() tells close directions apart, and takes many positions as it takes few", () => {
  const wide = Float32Array.of(1.001, 0, -1.001, 0, 0, 1, 0, -1); // [4, 2]: 1.001² against 1²
  assertClose(principalProjection(wide, 2).map(Math.abs), [1.001, 1.001, 0, 0], 1e-6);
  const flat = Float32Array.of(3, 3, 3, 9, 9, 9); // [2, 3]: more channels than positions
  assertClose(
    principalProjection(flat, 3).map(Math.abs),
    [3 * Math.sqrt(3), 3 * Math.sqrt(3)],
    1e-6,
  );
  assertEquals([...principalProjection(new Float32Array(6).fill(2), 2)], [0, 0, 0]);
});

Deno.test("heatmapsOf() cuts at 0, spreads, resizes between centres of pixels, and spreads again", () => {
  const map = { height: 1, width: 2, values: Float64Array.of(-5, 2) };
  const [heatmap] = heatmapsOf([[map]], { shape: [1, 2, 4, 3] });
  assertClose(heatmap!.values, [0, 0.25, 0.75, 1, 0, 0.25, 0.75, 1], 1e-6);
  const zeros = { ...map, values: Float64Array.of(-5, -2) };
  assertEquals([...heatmapsOf([[zeros]], { shape: [1, 1, 2, 3] })[0]!.values], [0, 0]);
});

Deno.test("withClassifier() gives Grad-CAM its classes, and the map of a network with that classifier", async () => {
  using model = createModel(small, createRng(0), { numClasses: 4 });
  const { head } = model.params as { head: Record<"weight" | "bias", tf.Variable> };
  head.bias.assign(tf.tensor1d([3, -1, 0, 1]));
  const classifier = {
    weight: head.weight.dataSync<"float32">().slice(),
    bias: head.bias.dataSync<"float32">().slice(),
  };
  using bare = createModel(small, createRng(0));
  const explained = withClassifier(bare, classifier);
  const x = images(2, 24);
  const expected = await gradCam(model, x);
  (await gradCam(explained, x)).forEach((map, i) => {
    assertEquals(map.classIndex, expected[i]!.classIndex);
    assertClose(map.values, expected[i]!.values, 1e-4);
  });
  await assertNoLeakAsync(() => gradCam(explained, x));
  const refuse = () => withClassifier(bare, { ...classifier, bias: new Float32Array(3) });
  assertThrows(refuse, TypeError, "64 weights and 3 classes on 16 features");
});

Deno.test("what cannot be explained is refused with what to do", async () => {
  using model = createModel(small, createRng(0), { numClasses: 4 });
  using bare = createModel(small, createRng(0));
  const x = images(1, 16);
  const [one, flat, grey, tiny, broken] = [
    images(1, 8),
    x.squeeze<tf.Tensor4D>([0]),
    x.slice([0, 0, 0, 0], [1, 16, 16, 1]),
    images(1, 7),
    x.mul<tf.Tensor4D>(NaN),
  ];
  const refused = async (run: () => Promise<unknown>, type: typeof RangeError, text: string) => {
    const before = tf.memory().numTensors;
    await assertRejects(run, type, text);
    assertEquals(tf.memory().numTensors, before, `leak: ${text}`);
  };
  await refused(() => gradCam(bare, x), RangeError, "no classifier");
  await refused(() => gradCam(bare, x), RangeError, "withClassifier()");
  await refused(
    () => gradCam(model, x, { classes: [4] }),
    RangeError,
    "class 4: the network has classes 0 to 3",
  );
  await refused(() => gradCam(model, x, { classes: [0.5] }), RangeError, "class 0.5");
  await refused(
    () => gradCam(model, x, { classes: [1, 2] }),
    RangeError,
    "a class for each, got 2",
  );
  for (const draw of [gradCam, eigenCam]) {
    await refused(
      () => draw(model, x, { layers: ["stages.9"] }),
      RangeError,
      `"stages.9": use one of`,
    );
    await refused(() => draw(model, x, { layers: [] }), RangeError, "no layer");
    await refused(
      () => draw(model, x, { layers: ["norm"] }),
      RangeError,
      'before the pooling, as "stages.1.0"',
    );
    await refused(() => draw(model, one), RangeError, "of 8×8 pixels it has one position");
    await refused(() => draw(model, flat), TypeError, "[16,16,3]: need [B, H, W, 3]");
    await refused(
      () => draw(model, grey),
      TypeError,
      "need [B, H, W, 3]",
    );
    await refused(() => draw(model, tiny), RangeError, "needs 8 a side");
    await refused(() => draw(model, broken), RangeError, "weights whole?");
  }
  const unknown = { arch: "mlp" } as unknown as ModelConfig;
  assertThrows(() => camLayer(unknown), RangeError, 'layer of "mlp"');
});

Deno.test("gradCam() refuses a ViT's patches after the last attention, which no class depends on", async () => {
  const config = { ...vitConfig("tiny"), embedDim: 12, depth: 2, numHeads: 3 };
  using model = createModel(config, createRng(0), { numClasses: 3 });
  const draw = () => gradCam(model, images(1, 32), { layers: ["blocks.1.mlp"] });
  await assertRejects(draw, RangeError, 'use "blocks.1.norm1"');
});
