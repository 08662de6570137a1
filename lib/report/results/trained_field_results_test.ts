import type { FieldOfWeights, TrainedField } from "lib/experiments/mod.ts";
import { type Figure, toSvg } from "lib/report/draw/plot.ts";
import {
  fieldFrames,
  trainedFieldFigure,
  trainedFieldTable,
} from "lib/report/results/trained_field_results.ts";
import type { Table } from "lib/report/tables/table_formats.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** A field whose map has one bright square, and one at a hundredth of it in the corner. */
function weights(half: readonly number[]): FieldOfWeights {
  const values = new Float64Array(16);
  values[5] = 0.9;
  values[0] = 0.009;
  values[15] = 1e-9;
  return { map: { side: 4, values }, sides: [half, half, half, half.map((side) => 2 * side)] };
}

function field(kernelSize: number): TrainedField {
  return {
    name: `BC-SSL, ${kernelSize}×${kernelSize}`,
    kernelSize,
    trainedOn: 80,
    measuredOn: 400,
    before: weights([40, 60]),
    after: weights([100, 140]),
    scale: "laptop",
    seeds: [0, 1],
  };
}

function rowOf({ columns, rows }: Table, row: number): Record<string, unknown> {
  return Object.fromEntries(columns.map((column, i) => [column, (rows[row] as unknown[])[i]]));
}

Deno.test("trainedFieldTable() has sides before, after, and their change by seed", () => {
  const table = trainedFieldTable([field(3), field(9)]);
  assertEquals(table.rows.length, 6);
  const [before, after, change] = [0, 1, 2].map((row) => rowOf(table, row));
  assertEquals([before!.weights, after!.weights, change!.weights], [
    "before training",
    "after training",
    "change",
  ]);
  const sides = [before, after, change].map((row) => row!["50 %: side (px)"] as number);
  assertClose(sides, [50, 120, 70]);
  assertClose([before!["50 % ± s.e."], change!["50 % ± s.e."]] as number[], [10, 10]);
  assertClose(after!["99 %: side (px)"] as number, 240);
  // (100 / 400)² and (140 / 400)², in percent
  assertClose(after!["area of 50 % (% of the image)"] as number, (6.25 + 12.25) / 2);
  assertClose(change!["area of 50 % (% of the image)"] as number, (5.25 + 10) / 2);
  for (const words of ["400 pixels in all", "trained on 80"]) {
    assertTrue(table.notes![0]!.includes(words), table.notes![0]!);
  }
});

Deno.test("trainedFieldFigure() has a panel for each kernel size before and after, and squares to scale", () => {
  const svg = toSvg(trainedFieldFigure([field(3), field(15)]));
  for (const words of [">3×3<", ">15×15<", ">before<", ">after<", "(80 pixels)"]) {
    assertTrue(svg.includes(words), words);
  }
  const sides = [...svg.matchAll(/width="([0-9.]+)" height="\1" fill="none"/g)].map((m) => m[1]);
  const scale = 150 / (1.1 * 240); // 264 pixels of the image are drawn on 150
  const expected = [80, 100, 50, 50, 80, 240, 120, 120].map((side) => (side * scale).toFixed(1));
  assertEquals(sides.slice(0, 8), expected);
  const bright = svg.match(/<path fill="rgb\(252,253,191\)" d="([^"]+)"/)![1];
  assertEquals(bright, "M1 1h1v1h-1z"); // the strongest square; the weakest is black like the ground
  assertEquals(svg.split("<path").length - 1, 2 * 4);
});

Deno.test("trainedFieldFigure() refuses no field, and fields of two sizes", () => {
  assertThrows(() => trainedFieldFigure([]), RangeError, "0 receptive fields");
  const other = { ...field(5), measuredOn: 200 };
  assertThrows(() => trainedFieldFigure([field(3), other]), RangeError, "one size");
});

Deno.test("fieldFrames() has the first moment beside each, all at one scale, and its squares in words", () => {
  const moment = (name: string, half: number) => ({
    ...{ name, trainedOn: 80, measuredOn: 400 },
    ...weights([half]),
  });
  const frames = fieldFrames([moment("epoch 0", 40), moment("epoch 20", 100)]);
  assertEquals(frames.map(({ at }) => at), ["epoch 0", "epoch 20"]);
  const sides = frames.map(({ picture }) => {
    const svg = toSvg(picture as Figure);
    assertTrue(svg.includes(">epoch 0<"), "the first moment is named");
    return [...svg.matchAll(/width="([0-9.]+)" height="\1" fill="none"/g)].map((m) => m[1]);
  });
  const scale = 300 / (1.1 * 200); // 220 pixels of the image are drawn on 300
  const [first, last] = [[80, 80, 40, 40], [80, 200, 100, 100]];
  const drawn = (pixels: readonly number[]) => {
    const [image, nearlyAll, ...half] = pixels.map((side) => (scale * side).toFixed(1));
    return [image, nearlyAll, ...half];
  };
  assertEquals(sides[0]!.slice(0, 8), [...drawn(first!), ...drawn(first!)]);
  assertEquals(sides[1]!.slice(0, 8), [...drawn(first!), ...drawn(last!)]);
  assertTrue(frames[1]!.says!.startsWith("half of all influence comes from a square of 100"), "");
  assertThrows(() => fieldFrames([]), RangeError, "0 receptive fields");
});
