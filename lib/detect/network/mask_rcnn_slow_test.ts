import { detect } from "lib/detect/inference/detect.ts";
import { createMaskRcnn } from "./mask_rcnn.ts";
import { torchvisionMaskRcnn } from "lib/detect/boxes/mask_rcnn_config.ts";
import { resNetConfig } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { assertDetections, type GoldenDetections, paddedImages } from "lib/testing/detection.ts";
import { fillByFormula } from "lib/testing/formula.ts";
import * as tf from "lib/tf.ts";

const golden: { readonly images: readonly GoldenDetections[] } = JSON.parse(
  await Deno.readTextFile(new URL("golden/mask_rcnn_r50.json", import.meta.url)),
);

Deno.test("detect() with torchvision's maskrcnn_resnet50_fpn finds what torchvision finds", async () => {
  const { detections, ...config } = torchvisionMaskRcnn(resNetConfig(50), 6);
  using model = createMaskRcnn(
    { ...config, detections: { ...detections, most: 25 } },
    createRng(0),
  );
  fillByFormula(model.params);
  const { cls_score, bbox_pred } = model.params.roi_heads.box_predictor;
  tf.tidy(() => {
    cls_score.weight.assign(cls_score.weight.mul(6));
    bbox_pred.weight.assign(bbox_pred.weight.mul(0.3));
  });
  const shown = [{ height: 160, width: 192 }, { height: 160, width: 160 }];
  const originals = [shown[0]!, { height: 200, width: 200 }];
  const images = shown.map((size, id) => ({ id, shown: size, original: originals[id]! }));
  using pixels = { all: paddedImages(shown), [Symbol.dispose]: () => pixels.all.dispose() };
  const results = await detect(model, pixels.all, images, [1, 2, 3, 4, 5]);
  golden.images.forEach((expected, id) => {
    const ofImage = results.filter(({ imageId }) => imageId === id);
    assertEquals(ofImage.map(({ categoryId }) => categoryId), expected.labels);
    const within = { box: 0.5, score: 1e-3, maskIou: 0.99 };
    assertDetections(ofImage, expected, originals[id]!, within);
  });
});
