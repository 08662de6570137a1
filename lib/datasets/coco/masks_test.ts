import { boxOverlaps, maskOverlaps } from "./overlap.ts";
import { polygonsToRle, polygonToRle } from "./polygon.ts";
import {
  checkRle,
  type CocoBox,
  decodeMask,
  encodeMask,
  mergeRles,
  type Rle,
  rleArea,
  rleBox,
} from "./rle.ts";
import { compressRle, decompressRle } from "./rle_string.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import { formula } from "lib/testing/formula.ts";

interface Known {
  readonly size: [height: number, width: number];
  readonly counts: string;
  readonly area: number;
  readonly box: CocoBox;
}
interface Golden {
  readonly masks: readonly (Known & { readonly threshold: number })[];
  readonly polygons: readonly (Known & {
    readonly polygons?: number[][];
    readonly formula?: string;
    readonly corners?: number;
  })[];
  readonly group: {
    readonly union: string;
    readonly intersection: string;
    readonly maskOverlaps: number[];
    readonly boxOverlaps: number[];
  };
}
const golden: Golden = JSON.parse(
  await Deno.readTextFile(new URL("golden/masks.json", import.meta.url)),
);

/** The same polygons as those of `random_polygon` in golden/make_golden.py. */
function randomPolygon(name: string, corners: number, height: number, width: number): number[] {
  return Array.from(
    formula(name, 2 * corners),
    (u, i) => (0.5 + 0.7 * u) * (i % 2 === 0 ? width : height),
  );
}

function assertKnown(rle: Rle, { size, counts, area, box }: Known): void {
  assertEquals(compressRle(rle), { size, counts });
  assertEquals(rleArea(rle), area);
  assertEquals(rleBox(rle), box);
  assertEquals(decompressRle({ size, counts }), rle);
}

Deno.test("encodeMask(), compressRle(), rleArea() and rleBox() equal pycocotools', and all of it goes back", () => {
  for (const expected of golden.masks) {
    const [height, width] = expected.size;
    const values = formula(`mask ${height} ${width}`, height * width);
    const mask = Uint8Array.from(values, (value) => value > expected.threshold ? 1 : 0);
    const rle = encodeMask(mask, height, width);
    assertKnown(rle, expected);
    assertEquals(decodeMask(rle), mask);
  }
});

Deno.test("polygonsToRle() equals pycocotools' to the last byte, in and around the image", () => {
  for (const expected of golden.polygons) {
    const [height, width] = expected.size;
    const polygons = expected.polygons ??
      [randomPolygon(expected.formula!, expected.corners!, height, width)];
    const rle = polygonsToRle(polygons, height, width);
    assertKnown(rle, expected);
    assertEquals(encodeMask(decodeMask(rle), height, width), rle);
  }
});

const group = [[0, 3], [1, 7], [4, 3], [5, 7], [8, 3], [9, 7]].map(([i, corners]) =>
  polygonToRle(randomPolygon(`polygon ${i}`, corners!, 33, 47), 33, 47)
);
const crowd = [false, true, false, true];

Deno.test("mergeRles() equals pycocotools' union and intersection", () => {
  assertEquals(compressRle(mergeRles(group, "union")).counts, golden.group.union);
  const both = mergeRles(group.slice(1, 3), "intersection");
  assertEquals(compressRle(both).counts, golden.group.intersection);
});

Deno.test("maskOverlaps() and boxOverlaps() equal pycocotools' to the last bit, with crowds", () => {
  const masks = maskOverlaps(group, group.slice(0, 4), crowd);
  assertEquals([...masks], golden.group.maskOverlaps);
  const boxes = Array.from(
    { length: 8 },
    (_, i) => Array.from(formula(`box ${i}`, 4), (u) => (1 + u) * 20) as unknown as CocoBox,
  );
  assertEquals([...boxOverlaps(boxes, boxes.slice(0, 4), crowd)], golden.group.boxOverlaps);
});

Deno.test("encodeMask() takes every value other than 0 as a part of the object", () => {
  assertEquals([...encodeMask(Uint8Array.of(0, 7, 255, 0), 1, 4).counts], [1, 2, 1]);
});

Deno.test("damaged masks are refused, with what is wrong", () => {
  const wrong = { height: 2, width: 3, counts: Uint32Array.of(1, 4) };
  assertThrows(() => checkRle(wrong), RangeError, "3 × 2 pixels: its runs add up to 5, not 6");
  assertThrows(() => decodeMask(wrong), RangeError, "add up to 5");
  assertThrows(() => encodeMask(new Uint8Array(5), 2, 3), RangeError, "from 5 values");
  assertThrows(() => encodeMask(new Uint8Array(0), 0, 3), RangeError, "3 × 0");
  assertThrows(() => mergeRles([], "union"), RangeError, "there is none");
  const text = (counts: string) => () => decompressRle({ size: [2, 3], counts });
  assertThrows(text("1P"), RangeError, "wrong at character 2"); // the text ends within a number
  assertThrows(text("1 5"), RangeError, "wrong at character 1");
  assertThrows(text("1N"), RangeError, "wrong at character 1"); // −2
  assertThrows(text("14"), RangeError, "add up to 5");
  const [a, b] = [[2, 3], [3, 2]].map(([h, w]) => encodeMask(new Uint8Array(6).fill(1), h!, w!));
  assertThrows(() => mergeRles([a!, b!], "union"), RangeError, "one is of 3 × 2 pixels");
  assertThrows(() => polygonToRle([1, 1, 2, 2], 5, 5), RangeError, "4 values");
  assertThrows(() => polygonToRle([1, 1, 2, 2, 3, 3, 4], 5, 5), RangeError, "7 values");
});
