import { createRng } from "lib/rng.ts";
import { type CamScores, camScores, hotArea } from "lib/explain/localisation.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

const map = (values: number[][]) => ({
  height: values.length,
  width: values[0]!.length,
  values: Float32Array.from(values.flat()),
});
const alpha = (object: number[][]) => Uint8Array.from(object.flat(), (shown) => shown ? 128 : 127);

function assertScores(actual: CamScores, expected: CamScores): void {
  assertEquals(Object.keys(actual).sort(), Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    assertClose(actual[name as keyof CamScores], value, 1e-6);
  }
}

Deno.test("camScores() of a map on paper", () => {
  const heatmap = map([
    [0.0, 0.2, 1.0],
    [0.4, 0.6, 0.8],
  ]);
  const object = alpha([
    [0, 1, 1],
    [0, 1, 0],
  ]);
  assertScores(camScores(heatmap, object), {
    pointing: 1,
    iou: 2 / 4, // hot: 1.0, 0.6, 0.8; on the object two of them, either covers four
    energy: (0.2 + 1 + 0.6) / 3,
    covered: 2 / 3,
    hotArea: 3 / 6,
    objectArea: 3 / 6,
  });
  const { iou, hotArea: hot } = camScores(heatmap, object, { threshold: 0.9 });
  assertClose([iou, hot, hotArea(heatmap), hotArea(heatmap, { threshold: 0.3 })], [
    1 / 3,
    1 / 6,
    3 / 6,
    4 / 6,
  ]);
});

Deno.test("camScores() points beside the object, and by halves where two pixels are highest", () => {
  const object = alpha([[1, 0, 0]]);
  assertEquals(camScores(map([[0.5, 1, 0]]), object).pointing, 0);
  assertEquals(camScores(map([[1, 1, 0]]), object).pointing, 1 / 2);
});

Deno.test("camScores() takes a share of the highest value, whatever that is", () => {
  const object = alpha([[1, 0, 0, 0]]);
  const scores = camScores(map([[0.1, 0.05, 0.04, 0]]), object);
  assertClose([scores.hotArea, scores.iou, scores.energy], [2 / 4, 1 / 2, 10 / 19], 1e-6);
});

Deno.test("camScores() of an even map and of zeros are the object's size; zeros are nowhere hot", () => {
  const object = alpha([[1, 0, 0, 1, 0]]);
  const even = { energy: 0.4, pointing: 0.4, objectArea: 0.4 };
  assertScores(camScores(map([[1, 1, 1, 1, 1]]), object), {
    ...even,
    iou: 0.4,
    covered: 1,
    hotArea: 1,
  });
  assertScores(camScores(map([[0, 0, 0, 0, 0]]), object), {
    ...even,
    iou: 0,
    covered: 0,
    hotArea: 0,
  });
});

/** Loops over rows and columns, one score after the other. */
function naiveScores(values: number[][], object: number[][], threshold: number): CamScores {
  const cells = values.flatMap((row, y) => row.map((v, x) => ({ v, on: object[y]![x] === 1 })));
  const highest = Math.max(...cells.map(({ v }) => v));
  const top = cells.filter(({ v }) => v === highest);
  const hot = cells.filter(({ v }) => v >= threshold * highest);
  const on = cells.filter((cell) => cell.on);
  const both = hot.filter((cell) => cell.on);
  const sum = (some: typeof cells) => some.reduce((total, { v }) => total + v, 0);
  return {
    pointing: top.filter((cell) => cell.on).length / top.length,
    iou: both.length / (hot.length + on.length - both.length),
    energy: sum(on) / sum(cells),
    covered: both.length / on.length,
    hotArea: hot.length / cells.length,
    objectArea: on.length / cells.length,
  };
}

Deno.test("camScores() equals the written-out counts over sizes and thresholds", () => {
  const rng = createRng(3);
  for (const [height, width] of [[1, 1], [4, 7], [9, 5]] as const) {
    const grid = (draw: () => number) =>
      Array.from({ length: height }, () => Array.from({ length: width }, draw));
    const values = grid(() => Math.fround(rng.uniform(0.01, 1)));
    const object = grid(() => rng.uniform() < 0.4 ? 1 : 0);
    object[0]![0] = 1;
    for (const threshold of [0.2, 0.5, 1]) {
      const actual = camScores(map(values), alpha(object), { threshold });
      assertScores(actual, naiveScores(values, object, threshold));
    }
  }
});

Deno.test("camScores() refuses a mask of another size, an empty one, and a threshold of nothing", () => {
  const heatmap = map([[1, 0]]);
  assertThrows(() => camScores(heatmap, alpha([[1]])), TypeError, "1×2 pixels by a mask of 1");
  assertThrows(() => camScores(heatmap, alpha([[0, 0]])), RangeError, "shows no object");
  const wrong = () => camScores(heatmap, alpha([[1, 0]]), { threshold: 0 });
  assertThrows(wrong, RangeError, "from 0 of the highest");
  assertThrows(() => hotArea(heatmap, { threshold: 1.1 }), RangeError, "from 1.1");
});
