import { decodeMask } from "lib/datasets/coco/rle.ts";
import { createFpn, featurePyramid } from "./fpn.ts";
import { binaryCrossEntropy, crossEntropy, smoothL1 } from "./losses.ts";
import { pasteMask } from "lib/detect/inference/mask_paste.ts";
import { maskTargets } from "./mask_targets.ts";
import { cutRegions, regionLevels } from "./pyramid_regions.ts";
import { rescaleBoxes } from "lib/detect/inference/postprocess.ts";
import { sampleRegions } from "./region_samples.ts";
import { roiAlign } from "lib/detect/boxes/roi_align.ts";
import { sampleMatches } from "lib/detect/boxes/sampling.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { assertSample, boxesWithin, ellipses, type GoldenSample } from "lib/testing/detection.ts";
import { fillByFormula, formula } from "lib/testing/formula.ts";
import * as tf from "lib/tf.ts";

interface Golden {
  readonly oddPyramid: readonly GoldenSample[];
  readonly maskTargets: Readonly<Record<"soft" | "aligned", number[]>>;
  readonly pasted: readonly number[][];
  readonly levels: number[];
}
const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("golden/mask_rcnn.json", import.meta.url)),
);

Deno.test("featurePyramid() equals torchvision's on maps that are not halves of each other", () => {
  const sides = [[13, 17], [7, 9], [4, 5], [2, 3]] as const;
  const stages = sides.map(([h, w], i) =>
    tf.tensor4d(formula(`stage ${i}`, h * w * (i + 2)), [1, h, w, i + 2])
  );
  const params = createFpn([2, 3, 4, 5], 3, createRng(0));
  fillByFormula(params);
  const levels = featurePyramid(stages, params);
  assertEquals(levels.length, 5);
  levels.forEach((level, i) => assertSample(level, golden.oddPyramid[i]!, 1e-5));
  assertNoLeak(() => tf.dispose(featurePyramid(stages, params)));
  disposeTree(params);
});

Deno.test("maskTargets() equals torchvision's, soft and aligned, at edges and below a pixel", () => {
  const size = { height: 60, width: 90 };
  const masks = ellipses(boxesWithin("objects 0", 3, size), size);
  const regions = boxesWithin("mask regions", 7, size);
  regions.set([-3, 50, 0.4, 64, 40, 30, 40.6, 30.3], 20);
  const objects = Int32Array.from({ length: 7 }, (_, i) => i % 3);
  const cut = (aligned: boolean, binary = false) =>
    maskTargets(masks, size, regions, objects, { size: 28, aligned, binary });
  assertClose(cut(false).filter((_, i) => i % 11 === 0), golden.maskTargets.soft, 1e-5);
  const aligned = cut(true);
  assertClose(aligned.filter((_, i) => i % 11 === 0), golden.maskTargets.aligned, 1e-5);
  assertEquals(cut(true, true), aligned.map((covered) => covered >= 0.5 ? 1 : 0));
});

Deno.test("maskTargets() gives nothing of what lies beyond the bitmap", () => {
  const size = { height: 4, width: 4 };
  const options = { size: 2, aligned: false, binary: false };
  const one = [new Uint8Array(16).fill(1)];
  const cut = (...box: number[]) =>
    maskTargets(one, size, Float32Array.from(box), Int32Array.of(0), options);
  // one of the nine samples of the first cell lies inside the mask
  assertClose(cut(3, 3, 9, 9), [1 / 9, 0, 0, 0], 1e-6);
  assertEquals([...cut(7, 7, 9, 9)], [0, 0, 0, 0]);
});

Deno.test("pasteMask() equals torchvision's, across the image's edges too", () => {
  const u = formula("paste", 8 * 28 * 28);
  const at = (i: number) => -1 + 2 * i / 27;
  const masks = u.map((noise, i) => {
    const [x, y] = [at(i % 28), at(Math.floor(i / 28) % 28)];
    return Math.min(Math.max(0.75 - (x * x + y * y) / 2 + 0.2 * noise, 0), 1);
  });
  const boxes = [
    [10.2, 12.7, 44.9, 40.1],
    [-12.5, -8.3, 20.6, 15.2],
    [60.3, 30.8, 95.7, 80.2],
    [0, 0, 80, 60],
    [30.4, 20.2, 30.4, 20.2],
    [5.5, 50.1, 9.3, 51.0],
    [50.0, -40.0, 99.0, 18.0],
    [20.9, -3.2, 23.3, 66.6],
  ];
  const size = { height: 60, width: 80 };
  boxes.forEach((box, i) => {
    const mask = masks.subarray(i * 784, (i + 1) * 784);
    const pasted = pasteMask(mask, Float32Array.from(box), size);
    const expected = { ...size, counts: Uint32Array.from(golden.pasted[i]!) };
    const different = decodeMask(pasted).filter((pixel, j) => pixel !== decodeMask(expected)[j]);
    // one pixel may lie at the threshold of 0.5, where rounding decides
    assertTrue(different.length <= 1, `box ${i}: ${different.length} pixels differ`);
  });
});

Deno.test("pasteMask() leaves an image empty that its box lies beside, and fills one that it covers", () => {
  const [full, size] = [new Float32Array(16).fill(1), { height: 3, width: 5 }];
  const beside = pasteMask(full, Float32Array.of(20, 0, 40, 3), size);
  assertEquals([...beside.counts], [15]);
  const over = pasteMask(full, Float32Array.of(-9, -9, 14, 12), size);
  assertEquals([...over.counts], [0, 15]);
});

Deno.test("regionLevels() equals torchvision's LevelMapper", () => {
  const sides = [3, 10, 27.9, 28, 55, 56, 111.9, 112, 200, 223.99999, 224, 447, 448, 1000, 5000];
  const boxes = Float32Array.from(sides.flatMap((side) => [0, 0, side, side]));
  assertEquals([...regionLevels(boxes, 224, 4)], golden.levels);
});

Deno.test("cutRegions() cuts each region out of its map, in the order of the regions, and its gradient goes back", () => {
  const maps = [32, 16, 8, 4, 2].map((side, i) =>
    tf.tensor4d(formula(`map ${i}`, 2 * side * side * 3), [2, side, side, 3])
  );
  const options = { samplingRatio: 2, aligned: false, canonicalSize: 64, stride: 4 };
  const regions = [
    Float32Array.of(0, 0, 100, 90, 10, 10, 20, 22, 5, 20, 60, 70),
    Float32Array.of(3, 4, 21, 30, 20, 10, 120, 120),
  ];
  const each = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]] as const;
  const levels = regions.flatMap((boxes) => [...regionLevels(boxes, 64, 4)]);
  assertEquals(levels, [2, 0, 1, 0, 2]);
  const oneByOne = (maps: readonly tf.Tensor4D[]) =>
    tf.concat(each.map(([image, at], i) => {
      const both = [new Float32Array(0), new Float32Array(0)];
      both[image] = regions[image]!.slice(4 * at, 4 * at + 4);
      const scale = 2 ** -(2 + levels[i]!);
      return roiAlign(maps[levels[i]!]!, both, { ...options, size: 4, scale });
    }));
  const together = (maps: readonly tf.Tensor4D[]) => cutRegions(maps, regions, 4, options);
  assertClose(together(maps), oneByOne(maps), 1e-6);
  const cotangent = tf.tensor4d(formula("cotangent", 5 * 16 * 3), [5, 4, 4, 3]);
  const gradients = (cut: typeof together) =>
    tf.grads((...some) => cut([...some as tf.Tensor4D[], ...maps.slice(3)]).mul(cotangent).sum())(
      maps.slice(0, 3),
    );
  const [actual, expected] = [gradients(together), gradients(oneByOne)];
  actual.forEach((grad, i) => assertClose(grad, expected[i]!, 1e-5));
  assertNoLeak(() => together(maps).dispose());
});

Deno.test("cutRegions() of a network with finer maps cuts at their own stride", () => {
  const side = 32; // of a map of stride 2, so the image has 64 pixels
  const columns = Array.from({ length: side * side }, (_, i) => i % side);
  const maps = [tf.tensor4d(columns, [1, side, side, 1]), tf.zeros([1, 16, 16, 1]) as tf.Tensor4D];
  const options = { samplingRatio: 1, aligned: true, canonicalSize: 64, stride: 2 };
  const cut = cutRegions(maps, [Float32Array.of(20, 20, 28, 28)], 2, options);
  // quarters of the box, from 10 to 14 on the map, have their middles at 11 and 13: half a position
  // before them is 10.5 and 12.5
  assertClose(cut, [10.5, 12.5, 10.5, 12.5]);
});

Deno.test("sampleMatches() draws objects up to their share, fills up with background, and never draws between", () => {
  const matches = Int32Array.from({ length: 300 }, (_, i) => i < 60 ? i % 4 : i < 100 ? -2 : -1);
  const draw = (count: number, seed: number) =>
    sampleMatches(matches, { count, objectFraction: 0.25 }, createRng(seed));
  const { objects, background } = draw(40, 0);
  assertEquals([objects.length, background.length], [10, 30]);
  assertTrue(objects.every((i) => i < 60) && background.every((i) => i >= 100), "wrong kinds");
  assertEquals(new Set([...objects, ...background]).size, 40);
  assertTrue(String(draw(40, 1).objects) !== String(objects), "every stream draws the same");
  assertEquals(draw(40, 0), { objects, background });
  const all = draw(400, 0);
  assertEquals([all.objects.length, all.background.length], [60, 200]);
});

Deno.test("sampleRegions() adds the objects' own boxes, and tells each region its object", () => {
  const objects = {
    boxes: Float32Array.of(10, 10, 30, 40, 50, 50, 90, 80),
    labels: Int32Array.of(7, 3),
  };
  const proposals = Float32Array.of(12, 10, 30, 40, 0, 0, 5, 5);
  const rule = {
    match: { high: 0.5, low: 0.5, allowLowQuality: false },
    samples: { count: 100, objectFraction: 0.9 },
  };
  const sample = sampleRegions(proposals, objects, rule, createRng(0));
  assertEquals([...sample.labels], [7, 7, 3, 0]);
  assertEquals([...sample.objects], [0, 0, 1]);
  assertEquals([...sample.boxes], [12, 10, 30, 40, ...objects.boxes, 0, 0, 5, 5]);
  assertClose(sample.deltas.subarray(0, 4), [-10 / 18, 0, 5 * Math.log(20 / 18), 0], 1e-5);
  assertEquals([...sample.deltas.subarray(4)], [0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("smoothL1() is a parabola near, a line far, and a line throughout without β", () => {
  const [near, far] = [tf.tensor1d([0.2, -0.3]), tf.tensor1d([2, -3])];
  const zeros = tf.zeros([2]);
  assertClose(smoothL1(near, zeros, 0.5), 0.04 + 0.09, 1e-6);
  assertClose(smoothL1(far, zeros, 0.5), 5 - 0.5, 1e-6);
  assertClose(smoothL1(near, zeros, 0), 0.5, 1e-6);
  const slope = tf.grad((x) => smoothL1(x, zeros, 0.5))(tf.tensor1d([0.2, -3]));
  assertClose(slope, [0.4, -1], 1e-6);
});

Deno.test("binaryCrossEntropy() and crossEntropy() equal the written-out means, far from 0 too", () => {
  const [logits, targets] = [[0, 3, -40, 60], [0.3, 1, 0, 0.25]];
  const said = tf.tensor1d(logits);
  const each = [Math.LN2, Math.log1p(Math.exp(-3)), 0, 45];
  const mean = each.reduce((sum, loss) => sum + loss, 0) / 4;
  assertClose(binaryCrossEntropy(said, tf.tensor1d(targets)), mean, 1e-6);
  const slopes = logits.map((x, i) => (1 / (1 + Math.exp(-x)) - targets[i]!) / 4);
  assertClose(tf.grad((x) => binaryCrossEntropy(x, tf.tensor1d(targets)))(said), slopes, 1e-6);
  const rows = tf.tensor2d([[1, 2, 0], [0, 0, 100]]);
  const first = Math.log(Math.E + Math.E ** 2 + 1) - 1;
  assertClose(crossEntropy(rows, Int32Array.of(0, 1)), (first + 100) / 2, 1e-6);
  const none = tf.tensor1d([]);
  assertClose(binaryCrossEntropy(none, none), 0);
});

Deno.test("rescaleBoxes() stretches each axis by its own factor", () => {
  const boxes = rescaleBoxes(
    Float32Array.of(1, 2, 3, 4),
    { height: 10, width: 20 },
    { height: 5, width: 80 },
  );
  assertEquals([...boxes], [4, 1, 12, 2]);
});
