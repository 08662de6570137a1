import { detect, type ShownImage } from "lib/detect/inference/detect.ts";
import { runBoxHead } from "./box_head.ts";
import { detectorMaps } from "./detector_backbone.ts";
import { runMaskHead } from "./mask_head.ts";
import {
  backboneOf,
  createMaskRcnn,
  type DetectionBatch,
  type MaskRcnn,
  type MaskRcnnLosses,
  maskRcnnLosses,
} from "./mask_rcnn.ts";
import {
  convNeXtMaskRcnn,
  type MaskRcnnConfig,
  torchvisionMaskRcnn,
} from "lib/detect/boxes/mask_rcnn_config.ts";
import { runRpn } from "./rpn.ts";
import { bcSslConfig, type ModelConfig, swinConfig, vitConfig } from "lib/models/mod.ts";
import { layoutOf, toTorchOrder } from "lib/nn/layout.ts";
import { namedVariables, parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";
import { assertNoLeak, assertNoLeakAsync } from "lib/testing/leaks.ts";
import {
  assertDetections,
  assertSample,
  type GoldenDetections,
  type GoldenSample,
  paddedImages,
  targetsWithin,
} from "lib/testing/detection.ts";
import { fillByFormula, formula } from "lib/testing/formula.ts";
import * as tf from "lib/tf.ts";
import { lossAndGradients } from "lib/train/gradients.ts";
import { optimizerStep } from "lib/train/optimizer.ts";
import { disposeOptimizer, type OptimizerState } from "lib/train/optimizer_state.ts";
import { loadWeights, saveWeights } from "lib/weights/weights.ts";

interface Golden {
  readonly maps: {
    readonly levels: GoldenSample[];
    readonly objectness: GoldenSample;
    readonly deltas: GoldenSample;
  };
  readonly heads: Readonly<
    Record<"classes" | "deltas" | "mask" | "boxGrad" | "maskGrad", GoldenSample>
  >;
  readonly losses: {
    readonly values: Readonly<Record<string, number>>;
    readonly grads: Readonly<Record<string, GoldenSample>>;
  };
  readonly detections: readonly GoldenDetections[];
}
const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("golden/mask_rcnn.json", import.meta.url)),
);

const sizes = [{ height: 96, width: 128 }, { height: 80, width: 100 }]; // the second is padded
const originals = [sizes[0]!, { height: 121, width: 150 }];
const everything = 1e6; // sample all boxes, so that nothing depends on chance

/** The same network as `small_model` in golden/make_mask_rcnn.py. */
function smallConfig(backbone: ModelConfig): MaskRcnnConfig {
  const { rpn, box, mask, detections, ...rest } = torchvisionMaskRcnn(backbone, 5);
  return {
    ...rest,
    fpnDim: 16,
    rpn: {
      ...rpn,
      anchors: rpn.anchors.map((shapes, i) => ({ ...shapes, sizes: [8 * 2 ** i] })),
      samples: { ...rpn.samples, count: everything },
      training: { perLevel: 60, kept: 90 },
      inference: { perLevel: 40, kept: 70 },
    },
    box: { ...box, dim: 24, samples: { ...box.samples, count: everything } },
    mask: { ...mask, dims: [12, 20] },
    detections: { ...detections, most: 15 },
  };
}
const smallResNet = {
  arch: "resnet",
  block: "basic",
  depths: [1, 1, 1, 1],
  dims: [64, 128, 256, 512],
  selectiveKernels: false,
} as const;
const model = createMaskRcnn(smallConfig(smallResNet), createRng(0));
fillByFormula(model.params);
const pixels = paddedImages(sizes);
const batch = {
  pixels,
  targets: sizes.map((size, i) => targetsWithin(`objects ${i}`, 3 - i, 1 + i, size)),
};
const shownImages: ShownImage[] = sizes.map((shown, i) => ({
  id: 7 + i,
  shown,
  original: originals[i]!,
}));

Deno.test("detectorMaps() and runRpn() equal torchvision's", () => {
  const { config, params } = model;
  const maps = detectorMaps(pixels, backboneOf(model), config, { training: false });
  maps.forEach((map, i) => assertSample(map, golden.maps.levels[i]!, 1e-5));
  const { objectness, deltas } = runRpn(maps, params.rpn);
  assertSample(objectness, golden.maps.objectness, 1e-5);
  assertSample(deltas.reshape([2, -1]), golden.maps.deltas, 1e-5);
});

Deno.test("runBoxHead() and runMaskHead() and their gradients equal torchvision's", () => {
  const { roi_heads } = model.params;
  const regions = (size: number) =>
    tf.tensor4d(formula(`regions ${size}`, 3 * size * size * 16), [3, size, size, 16]);
  const labels = [2, 4, 1];
  const { classes, deltas } = runBoxHead(regions(7), roi_heads);
  assertSample(classes, golden.heads.classes, 1e-5);
  assertSample(deltas.reshape([3, -1]), golden.heads.deltas, 1e-5);
  assertSample(runMaskHead(regions(14), labels, roi_heads), golden.heads.mask, 1e-5);
  const weighed = (y: tf.Tensor) => y.flatten().mul(formula("cotangent", y.size)).sum();
  const boxLoss = (x: tf.Tensor) => {
    const said = runBoxHead(x as tf.Tensor4D, roi_heads);
    return weighed(said.classes).add<tf.Scalar>(weighed(said.deltas));
  };
  const maskOf = (x: tf.Tensor) => weighed(runMaskHead(x as tf.Tensor4D, labels, roi_heads));
  assertSample(tf.grad(boxLoss)(regions(7)), golden.heads.boxGrad, 1e-4);
  assertSample(tf.grad(maskOf)(regions(14)), golden.heads.maskGrad, 1e-4);
});

/** Each loss, and the gradients of their sum. */
function learn(model: MaskRcnn, batch: DetectionBatch, seed = 0) {
  const values: Record<string, number> = {};
  const { value, grads } = lossAndGradients(() => {
    const losses = maskRcnnLosses(model, batch, createRng(seed));
    for (const [name, loss] of Object.entries(losses)) values[name] = loss.dataSync()[0]!;
    return tf.addN(Object.values(losses));
  }, parameters(model.params));
  value.dispose();
  return { values: values as Readonly<Record<keyof MaskRcnnLosses, number>>, grads };
}

/** Among some 10⁵ values, a few are on the other side of a ReLU than in double precision. */
const earlyLayer = /^backbone\.body\.(conv1|layer1)\./;

Deno.test("maskRcnnLosses() equal torchvision's, and their gradients", () => {
  const { values, grads } = learn(model, batch);
  const expected = golden.losses.values;
  assertClose(values.objectness, expected.loss_objectness!, 1e-5);
  assertClose(values.rpnBox, expected.loss_rpn_box_reg!, 1e-5);
  assertClose(values.classifier, expected.loss_classifier!, 1e-5);
  assertClose(values.box, expected.loss_box_reg!, 1e-5);
  assertClose(values.mask, expected.loss_mask!, 1e-5);
  const weights = parameters(model.params);
  assertEquals([...grads.keys()].sort(), Object.keys(golden.losses.grads).sort());
  for (const [name, grad] of grads) {
    const ordered = toTorchOrder(grad, layoutOf(weights.get(name)!));
    assertSample(ordered, golden.losses.grads[name]!, earlyLayer.test(name) ? 3e-3 : 1e-4);
  }
});

Deno.test("detect() equals torchvision's, in pixels of the original images", async () => {
  const detections = await detect(model, pixels, shownImages, [10, 20, 30, 40]);
  golden.detections.forEach((expected, i) => {
    const ofImage = detections.filter(({ imageId }) => imageId === 7 + i);
    assertDetections(ofImage, expected, originals[i]!, { box: 1e-2, score: 1e-4, maskIou: 0.999 });
    assertEquals(ofImage.map(({ categoryId }) => categoryId / 10), expected.labels);
  });
});

Deno.test("createMaskRcnn() takes its weights from torchvision's older files too, and gives them back", async () => {
  const [path, older] = ["", "older-"].map((name) => Deno.makeTempFileSync({ prefix: name }));
  try {
    await saveWeights(model, path!);
    const names = new Map([...namedVariables(model.params)].map(([name, variable]) =>
      [
        name.replace(/(fpn\.\w+\.\d)\.0/, "$1").replace("rpn.head.conv.0.0", "rpn.head.conv")
          .replace(/mask_head\.(\d)\.0/, (_, i) => `mask_head.mask_fcn${Number(i) + 1}`),
        variable,
      ] as const
    ));
    await saveWeights({ params: Object.fromEntries(names) }, older!);
    for (const file of [path!, older!]) {
      using other = createMaskRcnn(smallConfig(smallResNet), createRng(1));
      await loadWeights(other, file);
      const loaded = namedVariables(other.params);
      for (const [name, variable] of namedVariables(model.params)) {
        assertEquals(loaded.get(name)!.dataSync(), variable.dataSync(), name);
      }
    }
    assertTrue(names.has("roi_heads.mask_head.mask_fcn2.weight"), "no older name was tried");
  } finally {
    [path!, older!].forEach((file) => Deno.removeSync(file));
  }
});

/** The paper's detector, on a network that a test can run. */
function smallBcSsl(): MaskRcnn {
  const backbone = { ...bcSslConfig("atto"), depths: [1, 1, 1, 1], dims: [8, 12, 16, 20] };
  const { rpn, regions, box, mask } = convNeXtMaskRcnn(backbone, 5);
  const small = smallConfig(backbone);
  const anchors = small.rpn.anchors.map((shapes) => ({ ...shapes, rounded: false }));
  return createMaskRcnn({
    ...small,
    freezeBatchNorm: false,
    regions,
    rpn: { ...rpn, anchors, samples: { count: 4000, objectFraction: 0.5 } },
    box: { ...box, dim: 24, samples: { count: 30, objectFraction: 0.5 } },
    mask: { ...mask, dims: [12] },
  }, createRng(3));
}

Deno.test("maskRcnnLosses() has a gradient for every weight of BC-SSL's detector but the last norm of its features", () => {
  using model = smallBcSsl();
  const { grads } = learn(model, batch);
  const without = [...parameters(model.params).keys()].filter((name) => !grads.has(name));
  assertEquals(without, ["backbone.body.norm.weight", "backbone.body.norm.bias"]);
  for (const [name, grad] of grads) {
    assertTrue(grad.abs().max().dataSync()[0]! > 0, `${name} has a gradient of zeros`);
  }
});

Deno.test("maskRcnnLosses() draws by its stream, and moves BatchNorm's statistics unless they are frozen", () => {
  using bcSsl = smallBcSsl();
  const statistics = (of: MaskRcnn) =>
    [...namedVariables(of.params)].filter(([name]) => name.endsWith("running_mean"))
      .map(([, variable]) => [...variable.dataSync()]);
  const [before, frozen] = [statistics(bcSsl), statistics(model)];
  const [first, same, other] = [0, 0, 1].map((seed) => learn(bcSsl, batch, seed).values.classifier);
  assertEquals(first, same);
  assertTrue(first !== other, "another stream drew the same");
  learn(model, batch);
  assertEquals(statistics(model), frozen);
  statistics(bcSsl).forEach((mean, i) =>
    assertTrue(String(mean) !== String(before[i]), "statistics stayed")
  );
});

Deno.test("maskRcnnLosses() learns background from images without objects", () => {
  const none = sizes.map((size) => targetsWithin("none", 0, 1, size));
  const { values, grads } = learn(model, { pixels, targets: none });
  assertEquals([values.rpnBox, values.box, values.mask], [0, 0, 0]);
  assertTrue(values.objectness > 0 && values.classifier > 0, "background cost nothing");
  assertTrue(grads.has("rpn.head.cls_logits.weight"), "nothing was learnt");
});

Deno.test("maskRcnnLosses() falls as a detector is trained", () => {
  using model = smallBcSsl();
  const weights = parameters(model.params);
  const state: OptimizerState = new Map();
  const total = () => {
    const { values, grads } = learn(model, batch);
    optimizerStep("adamw", weights, grads, state, { lr: 0.005, weightDecay: 0 });
    tf.dispose([...grads.values()]);
    return Object.values(values).reduce((sum, value) => sum + value, 0);
  };
  const all = Array.from({ length: 8 }, total);
  disposeOptimizer(state);
  assertTrue(all.at(-1)! < 0.7 * all[0]!, `the loss went from ${all[0]} to ${all.at(-1)}`);
});

Deno.test("createMaskRcnn() builds on Swin, with a norm for each map", () => {
  const swin = {
    ...swinConfig("tiny"),
    embedDim: 12,
    depths: [1, 1, 1, 1],
    numHeads: [1, 1, 2, 2],
  };
  using model = createMaskRcnn(smallConfig(swin), createRng(0));
  assertEquals(model.params.backbone.norm3!.weight.shape, [96]);
  const maps = detectorMaps(pixels, backboneOf(model), model.config, { training: false });
  assertEquals(maps.map(({ shape }) => shape.slice(1, 3)), [
    [24, 32],
    [12, 16],
    [6, 8],
    [3, 4],
    [2, 2],
  ]);
});

Deno.test("createMaskRcnn() refuses one resolution, frozen norms with dropped paths, and heads that do not fit all maps", () => {
  const create = (config: MaskRcnnConfig) => () => createMaskRcnn(config, createRng(0));
  const bcSsl = smallConfig(bcSslConfig("atto"));
  assertThrows(create(smallConfig(vitConfig("tiny"))), RangeError, 'pyramid on "vit"');
  assertThrows(create({ ...bcSsl, freezeBatchNorm: true }), RangeError, "current is 0.1");
  const [first, ...rest] = bcSsl.rpn.anchors;
  const uneven = [{ ...first!, ratios: [1] }, ...rest];
  assertThrows(create({ ...bcSsl, rpn: { ...bcSsl.rpn, anchors: uneven } }), RangeError, "1, 3");
});

Deno.test("maskRcnnLosses() and detect() refuse batches whose parts differ in number", async () => {
  const short = { pixels, targets: batch.targets.slice(1) };
  assertThrows(() => maskRcnnLosses(model, short, createRng(0)), RangeError, "targets of each");
  const run = (images: ShownImage[], categories: number[]) => () =>
    detect(model, pixels, images, categories);
  await assertRejects(run(shownImages.slice(1), [1, 2, 3, 4]), RangeError, "sizes of each");
  await assertRejects(run(shownImages, [1, 2]), RangeError, "need 4 categories, current are 2");
});

Deno.test("maskRcnnLosses() and detect() keep no tensor but their results", async () => {
  assertNoLeak(() => tf.dispose([...learn(model, batch).grads.values()]));
  await assertNoLeakAsync(() => detect(model, pixels, shownImages, [1, 2, 3, 4]));
  assertNoLeak(() => createMaskRcnn(model.config, createRng(0))[Symbol.dispose]());
});
