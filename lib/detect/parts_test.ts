import { mapAnchors } from "lib/detect/boxes/anchors.ts";
import { boxWeights, decodeBoxes, encodeBoxes } from "lib/detect/boxes/box_coder.ts";
import {
  type Boxes,
  clipBoxes,
  pairwiseIou,
  selectBoxes,
  toCocoBox,
  toCorners,
} from "lib/detect/boxes/boxes.ts";
import { background, between, matchBoxes } from "lib/detect/boxes/match_boxes.ts";
import { nonMaximumSuppression } from "lib/detect/boxes/nms.ts";
import { roiAlign, type RoiAlignOptions } from "lib/detect/boxes/roi_align.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { formula } from "lib/testing/formula.ts";
import * as tf from "lib/tf.ts";

interface Golden {
  readonly anchors: number[];
  readonly clipped: number[];
  readonly overlaps: number[];
  readonly coder: { readonly encoded: number[]; readonly decoded: number[] };
  readonly matches: number[][];
  readonly nms: { readonly one: number[]; readonly strict: number[]; readonly groups: number[] };
  readonly roiAlign: readonly {
    readonly options: RoiAlignOptions;
    readonly output: number[];
    readonly gradient: number[];
  }[];
}
const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("golden/parts.json", import.meta.url)),
);

/** The same boxes as `boxes` in golden/make_parts.py. */
function boxes(name: string, count: number, height = 80, width = 100): Boxes {
  const u = formula(name, 4 * count);
  return Float32Array.from({ length: 4 * count }, (_, i) => {
    const axis = i % 2;
    const at = 4 * Math.floor(i / 4) + axis;
    const centre = (0.5 + 0.55 * u[at]!) * (axis === 0 ? width : height);
    const side = 24 + 20 * u[at + 2]!;
    return i % 4 < 2 ? centre - side / 2 : centre + side / 2;
  });
}

Deno.test("mapAnchors() equals torchvision's, level after level", () => {
  const rounded = true;
  const first = { sizes: [45], ratios: [0.5, 1, 2], rounded };
  const second = { sizes: [32, 64], ratios: [0.37, 1.9], rounded };
  const anchors = [
    ...mapAnchors({ height: 3, width: 4 }, { y: 16, x: 17 }, first),
    ...mapAnchors({ height: 2, width: 2 }, { y: 25, x: 35 }, second),
  ];
  assertEquals(anchors, golden.anchors);
});

Deno.test("mapAnchors() without rounding keeps area and ratio", () => {
  const shapes = { sizes: [45], ratios: [0.5], rounded: false };
  const [left, top, right, bottom] = mapAnchors({ height: 1, width: 1 }, { y: 4, x: 4 }, shapes);
  assertClose([right! - left!, bottom! - top!], [45 * Math.SQRT2, 45 / Math.SQRT2], 1e-6);
  assertClose([left! + right! + 1, top! + bottom! + 1], [1, 1], 1e-5);
});

Deno.test("clipBoxes() and pairwiseIou() equal torchvision's", () => {
  const some = boxes("some", 60);
  assertClose(clipBoxes(some, 80, 100).subarray(0, 48), golden.clipped, 1e-6);
  const overlaps = pairwiseIou(boxes("objects", 5), some.subarray(0, 48));
  assertClose(overlaps, golden.overlaps, 1e-5);
});

Deno.test("toCorners() and toCocoBox() turn into each other", () => {
  const corners = toCorners([[1, 2, 30, 4], [5, 6, 7, 8]]);
  assertEquals([...corners], [1, 2, 31, 6, 5, 6, 12, 14]);
  assertEquals([0, 1].map((i) => toCocoBox(corners, i)), [[1, 2, 30, 4], [5, 6, 7, 8]]);
});

Deno.test("encodeBoxes() and decodeBoxes() equal torchvision's, growth limited", () => {
  const [from, to] = [boxes("from", 6), boxes("to", 6)];
  const weights = [10, 9, 5, 1.5] as const;
  assertClose(encodeBoxes(from, to, weights), golden.coder.encoded, 1e-5);
  const deltas = formula("deltas", 6 * 3 * 4).map((u) => u * 9);
  assertClose(decodeBoxes(from, deltas, weights), golden.coder.decoded, 1e-5);
  const back = decodeBoxes(from, encodeBoxes(from, to, boxWeights), boxWeights);
  assertClose(back, to, 1e-5);
});

Deno.test("matchBoxes() equals torchvision's Matcher, with equal overlaps and objects", () => {
  const [objects, some] = [boxes("objects", 5), boxes("some", 60)];
  for (const n of [7, 8]) some.set(objects.subarray(8, 12), 4 * n);
  objects.copyWithin(16, 12, 16);
  const rules = [[0.7, 0.3, true], [0.5, 0.5, false], [0.4, 0.2, true]] as const;
  rules.forEach(([high, low, allowLowQuality], i) => {
    const matches = matchBoxes(objects, some, { high, low, allowLowQuality });
    assertEquals([...matches], golden.matches[i]);
  });
  const kinds = new Set(golden.matches.flat());
  assertEquals([background, between, 2].map((kind) => kinds.has(kind)), [true, true, true]);
});

Deno.test("matchBoxes() takes every box for background where there is no object", () => {
  const rule = { high: 0.7, low: 0.3, allowLowQuality: true };
  assertEquals([...matchBoxes(new Float32Array(0), boxes("some", 3), rule)], [-1, -1, -1]);
});

Deno.test("nonMaximumSuppression() equals torchvision's, in one group and in several", () => {
  const [some, scores] = [boxes("crowded", 80, 60, 60), formula("scores", 80)];
  const kept = (iou: number, groups?: number[], most?: number) =>
    nonMaximumSuppression(some, scores, { iou, groups, most });
  assertEquals(kept(0.5), golden.nms.one);
  assertEquals(kept(0.2), golden.nms.strict);
  assertEquals(kept(0.4, Array.from(scores, (_, i) => i % 3)), golden.nms.groups);
  assertEquals(kept(0.5, undefined, 4), golden.nms.one.slice(0, 4));
});

Deno.test("nonMaximumSuppression() keeps the first of boxes that are equally sure, and both at the threshold", () => {
  const two = Float32Array.of(0, 0, 10, 10, 0, 0, 10, 5);
  const kept = (iou: number) => nonMaximumSuppression(two, [1, 1], { iou });
  assertEquals([kept(0.5), kept(0.49)], [[0, 1], [0]]);
  assertEquals(nonMaximumSuppression(selectBoxes(two, [1, 0]), [1, 1], { iou: 0.4 }), [0]);
});

const [B, H, W, C] = [2, 10, 13, 3] as const;
const features = tf.tensor4d(formula("features", B * H * W * C), [B, H, W, C]);
const regions = [boxes("regions 0", 5), boxes("regions 1", 4)];
const every = (x: tf.Tensor, step: number) => x.dataSync().filter((_, i) => i % step === 0);

for (const { options, output, gradient } of golden.roiAlign) {
  const { size, samplingRatio, aligned } = options;
  Deno.test(
    `roiAlign() and its gradient equal torchvision's: ${size} cells, ${samplingRatio} samples, ${
      aligned ? "aligned" : "not aligned"
    }`,
    () => {
      const cut = roiAlign(features, regions, options);
      assertEquals(cut.shape, [9, size, size, C]);
      assertClose(every(cut, 7), output, 1e-5);
      const cotangent = tf.tensor4d(formula("cotangent", cut.size), cut.shape);
      const loss = (x: tf.Tensor) =>
        roiAlign(x as tf.Tensor4D, regions, options).mul(cotangent).sum() as tf.Scalar;
      assertClose(every(tf.grad(loss)(features), 5), gradient, 1e-5);
    },
  );
}

Deno.test("roiAlign() gives an image without regions none, and keeps no tensor but its result", () => {
  const options = { size: 2, scale: 0.25, samplingRatio: 2, aligned: true };
  const none = new Float32Array(0);
  const [all, second] = [regions, [none, regions[1]!]].map((r) => roiAlign(features, r, options));
  assertClose(second!, all!.slice([5, 0, 0, 0], [4, 2, 2, C]), 1e-7);
  assertEquals(roiAlign(features, [none, none], options).shape, [0, 2, 2, C]);
  assertThrows(() => roiAlign(features, [none], options), TypeError, "regions of 1 images");
  assertNoLeak(() => roiAlign(features, regions, options).dispose());
});
