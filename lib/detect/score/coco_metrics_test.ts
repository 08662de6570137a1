import type { CocoAnnotation, CocoSet } from "lib/datasets/coco/coco_set.ts";
import { polygonToRle } from "lib/datasets/coco/polygon.ts";
import { type CocoBox, rleArea } from "lib/datasets/coco/rle.ts";
import {
  type CocoMetrics,
  evaluateDetections,
  metricNames,
  precisionRecallCurve,
} from "lib/detect/score/coco_metrics.ts";
import { type Detection, resultsJson } from "lib/detect/inference/detection.ts";
import { precisionCurves } from "lib/detect/score/precision_recall.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { formula } from "lib/testing/formula.ts";

const [height, width] = [300, 400];
const corners = [[1, 0], [0.7, 0.7], [0, 1], [-0.7, 0.7], [-1, 0], [-0.7, -0.7], [0, -1], [
  0.7,
  -0.7,
]] as const;
const square = [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const;

interface SetConfig {
  readonly name: string;
  readonly images: number;
  readonly categories: number;
  readonly objects: number;
  readonly extra: number;
  readonly grid: number;
  readonly steps: number;
  readonly crowds: number;
}
interface Expected {
  readonly stats: number[];
  readonly classes: number[];
  readonly curve50: number[];
  readonly curve75: number[];
}
interface Case {
  readonly config: SetConfig;
  readonly objects: number;
  readonly detections: number;
  readonly box: Expected;
  readonly mask: Expected;
  readonly results: [Record<string, unknown>[], Record<string, unknown>[]];
}
const golden: readonly Case[] = JSON.parse(
  await Deno.readTextFile(new URL("golden/metrics.json", import.meta.url)),
);

/** A polygon around a point, cut at the edges of the image; on a grid a rectangle. */
function shape(draw: () => number, grid: number, [x, y, rx, ry]: readonly number[]): number[] {
  const snap = (value: number, more = 0) => grid ? (Math.floor(value / grid) + more) * grid : value;
  return (grid ? square : corners).flatMap(([dx, dy]) => {
    const stretch = grid ? 1 : 0.9 + 0.2 * draw();
    const px = snap(x!) + snap(rx!, 1) * dx * stretch;
    const py = snap(y!) + snap(ry!, 1) * dy * stretch;
    return [Math.min(Math.max(px, 0), width), Math.min(Math.max(py, 0), height)];
  });
}

function boxOf(points: readonly number[]): CocoBox {
  const xs = points.filter((_, i) => i % 2 === 0);
  const ys = points.filter((_, i) => i % 2 === 1);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}

/** The same objects and detections as `draw_set` in golden/make_metrics.py. */
function drawSet(config: SetConfig): { set: CocoSet; detections: Detection[] } {
  const values = formula(config.name, 40_000);
  let at = 0;
  const draw = () => (1 + values[at++]!) / 2;
  const annotations: CocoAnnotation[] = [];
  const detections: Detection[] = [];
  const detect = (imageId: number, categoryId: number, points: readonly number[]) => {
    const score = Math.floor(draw() * config.steps) / config.steps;
    const mask = polygonToRle(points, height, width);
    detections.push({ imageId, categoryId, score, box: boxOf(points), mask });
  };
  const place = () => {
    const side = draw();
    const r = 4 + 90 * side * side;
    return [draw() * width, draw() * height, r * (0.7 + 0.6 * draw()), r * (0.7 + 0.6 * draw())];
  };
  const category = () => 2 * Math.floor(draw() * config.categories) + 5;
  const images = Array.from({ length: config.images }, (_, i) => {
    const imageId = 1000 - 7 * i;
    for (let left = Math.floor(draw() * (config.objects + 1)); left > 0; left--) {
      const [x, y, rx, ry] = place() as [number, number, number, number];
      const categoryId = category();
      const points = shape(draw, config.grid, [x, y, rx, ry]);
      annotations.push({
        id: annotations.length + 1,
        imageId,
        categoryId,
        box: boxOf(points),
        area: rleArea(polygonToRle(points, height, width)),
        crowd: draw() < config.crowds,
        segmentation: [points],
      });
      for (let found = Math.floor(draw() * 2.5); found > 0; found--) {
        const moved = [
          x + rx * 0.4 * (draw() - 0.5),
          y + ry * 0.4 * (draw() - 0.5),
          rx * (0.85 + 0.3 * draw()),
          ry * (0.85 + 0.3 * draw()),
        ];
        const as = draw() < 0.8 ? categoryId : category();
        detect(imageId, as, shape(draw, config.grid, moved));
      }
    }
    for (let extra = Math.floor(draw() * (config.extra + 1)); extra > 0; extra--) {
      const where = place();
      const as = category();
      detect(imageId, as, shape(draw, config.grid, where));
    }
    return { id: imageId, fileName: `${imageId}.png`, height, width };
  });
  const set = {
    name: config.name,
    folder: "",
    images: images.reverse(), // by id
    categories: Array.from({ length: config.categories }, (_, k) => ({
      id: 2 * k + 5,
      name: `class ${k}`,
    })),
    annotations: Map.groupBy(annotations, ({ imageId }) => imageId),
  };
  return { set, detections };
}

/** Metrics in pycocotools' order and with its −1. */
function stats(metrics: CocoMetrics): number[] {
  return metricNames.map((name) => known(metrics[name]));
}

function known(value: number): number {
  return Number.isNaN(value) ? -1 : value;
}

for (const { config, objects, detections: count, ...expected } of golden) {
  const { set, detections } = drawSet(config);
  for (const region of ["box", "mask"] as const) {
    Deno.test(`evaluateDetections() equals pycocotools: ${config.name}, ${region}`, () => {
      assertEquals([[...set.annotations.values()].flat().length, detections.length], [
        objects,
        count,
      ]);
      const { metrics, classes } = evaluateDetections(set, detections, region);
      assertClose(stats(metrics), expected[region].stats, 1e-9);
      const perClass = classes.map(({ metrics }) => known(metrics.ap));
      assertClose(perClass, expected[region].classes, 1e-9);
      for (const [iou, curve] of [[0.5, "curve50"], [0.75, "curve75"]] as const) {
        const actual = precisionRecallCurve(classes, iou).filter((_, r) => r % 10 === 0);
        assertClose(actual, expected[region][curve], 1e-9);
      }
    });
  }

  Deno.test(`resultsJson() equals what pycocotools took: ${config.name}`, () => {
    for (const [i, region] of (["box", "mask"] as const).entries()) {
      const json = resultsJson(detections.slice(0, 3), region);
      assertEquals(JSON.parse(json), expected.results[i]);
    }
  });
}

const { set, detections } = drawSet(golden[0]!.config);
const someImage = set.images[0]!.id;

Deno.test("evaluateDetections() does not care in which order images and classes' detections come", () => {
  const byClass = detections.toSorted((a, b) => a.categoryId - b.categoryId);
  const [a, b] = [detections, byClass].map((all) => evaluateDetections(set, all, "box").metrics);
  assertEquals(a, b);
});

Deno.test("evaluateDetections() gives 0 where nothing is found and NaN where nothing is to be found", () => {
  const missed = evaluateDetections(set, [], "mask").metrics;
  assertEquals(metricNames.map((name) => missed[name]), Array(12).fill(0));
  const empty = { ...set, annotations: new Map() };
  const { metrics, classes } = evaluateDetections(empty, detections, "box");
  assertTrue(metricNames.every((name) => Number.isNaN(metrics[name])), "all NaN");
  assertThrows(() => precisionRecallCurve(classes, 0.5), RangeError, "no object to find");
});

Deno.test("perfect detections score 1 in every number that there is", () => {
  const perfect = [...set.annotations.values()].flat().map((object) => ({
    ...object,
    score: 0.5,
    mask: polygonToRle((object.segmentation as number[][])[0]!, height, width),
  }));
  for (const region of ["box", "mask"] as const) {
    const { ap, ap75, apSmall, apLarge, ar100 } = evaluateDetections(set, perfect, region).metrics;
    assertClose([ap, ap75, apSmall, apLarge, ar100], [1, 1, 1, 1, 1], 1e-12);
  }
});

Deno.test("recalls and levels that are equal on paper are compared as NumPy rounds them", () => {
  const rounds = (found: number) => {
    const verdicts = new Int8Array(10 * found).fill(1);
    const curves = precisionCurves([{ scores: Array(found).fill(1), verdicts, objects: 100 }])!;
    return curves.subarray(0, 101).filter((precision) => precision > 0).length - 1;
  };
  assertEquals([56, 57, 58].map(rounds), [56, 56, 58]); // NumPy has 0.5700000000000001 for 0.57
});

Deno.test("an object whose id is 0 is found like any other", () => {
  const annotation = [...set.annotations.values()].flat()[0]!;
  const only = { ...annotation, id: 0 };
  const one = { ...set, annotations: new Map([[only.imageId, [only]]]) };
  assertClose(evaluateDetections(one, [{ ...only, score: 1 }], "box").metrics.ap, 1, 1e-12);
});

Deno.test("evaluateDetections() refuses what it cannot measure", () => {
  const detection = { ...detections[0]!, imageId: someImage };
  const measure = (change: Partial<Detection>, region: "box" | "mask" = "box") => () =>
    evaluateDetections(set, [{ ...detection, ...change }], region);
  assertThrows(measure({ imageId: 5 }), RangeError, "image 5");
  assertThrows(measure({ categoryId: 6 }), RangeError, "no such category");
  assertThrows(measure({ score: NaN }), RangeError, "score NaN");
  assertThrows(measure({ box: [0, 0, Infinity, 1] }), RangeError, "must be finite");
  assertThrows(measure({ mask: undefined }, "mask"), TypeError, "has none");
  assertThrows(() => resultsJson([{ ...detection, mask: undefined }], "mask"), TypeError, "none");
  const { classes } = evaluateDetections(set, detections, "box");
  assertThrows(() => precisionRecallCurve(classes, 0.52), RangeError, "0.52");
});
