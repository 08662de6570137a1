import { type LabelledPoint, placeLabels } from "lib/report/draw/label_places.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const frame = { width: 300, height: 200 };
const point = (x: number, y: number, text = "BC-SSL-T"): LabelledPoint => ({
  x,
  y,
  top: y,
  bottom: y,
  text,
});

Deno.test("placeLabels() puts a name to the right, and to the left at the right edge", () => {
  const places = placeLabels([point(50, 100), point(290, 100)], frame);
  assertEquals(places.map(({ textAnchor }) => textAnchor), ["start", "end"]);
});

Deno.test("placeLabels() covers no point, no bar and no other name", () => {
  const [free] = placeLabels([point(50, 100), point(80, 100)], frame);
  assertTrue(free!.textAnchor !== "start", "a point is to the right");
  const bar = { ...point(130, 30), top: 10, bottom: 190 };
  assertEquals(placeLabels([point(150, 100), bar], frame)[0]!.textAnchor, "start");
  assertTrue(placeLabels([point(100, 100), bar], frame)[0]!.textAnchor !== "start", "a bar");
  const near = placeLabels([point(100, 100), point(100, 103), point(100, 97)], frame);
  const rows = near.map(({ dx, dy, textAnchor }) => `${dx} ${dy} ${textAnchor}`);
  assertEquals(new Set(rows).size, 3);
});

Deno.test("placeLabels() takes the least bad place where none is free", () => {
  const crowd = Array.from({ length: 40 }, (_, i) => point(20 + 5 * (i % 8), 20 + 4 * i));
  assertEquals(placeLabels(crowd, { width: 60, height: 200 }).length, 40);
});
