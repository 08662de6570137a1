import { drawPlacement, makeSprite, type Placement, renderSprite } from "./place.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** An opaque rectangle of colour (200, 100, 50) in an S × S raster. */
function rectangle(S: number, left: number, top: number, width: number, height: number) {
  const raster = new Uint8Array(S * S * 4);
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) raster.set([200, 100, 50, 255], (y * S + x) * 4);
  }
  return makeSprite(raster, S);
}

function render(sprite: ReturnType<typeof makeSprite>, placement: Placement, canvas: number) {
  const pixels = new Uint8Array(canvas * canvas * 3);
  const mask = new Uint8Array(canvas * canvas);
  renderSprite(sprite, placement, canvas, [128, 10, 255], pixels, mask);
  return { pixels, mask };
}

const sum = (values: Uint8Array) => values.reduce((total, value) => total + value, 0);

Deno.test("renderSprite() at scale 1 and angle 0 shifts the raster, up to the 2 × 2 sampling", () => {
  const sprite = rectangle(16, 3, 5, 6, 4);
  assertEquals(sprite.box, { left: 3, top: 5, right: 9, bottom: 9 });
  const { pixels, mask } = render(sprite, { scale: 1, angle: 0, x: 10, y: 12 }, 20);
  const at = (x: number, y: number) => [...pixels.subarray((y * 20 + x) * 3, (y * 20 + x) * 3 + 3)];
  assertEquals(at(10, 12), [200, 100, 50]); // columns 7–12, rows 10–13
  assertEquals(at(8, 11), [200, 100, 50]);
  assertEquals(at(4, 12), [128, 10, 255]);
  assertEquals(at(10, 16), [128, 10, 255]);
  assertEquals([mask[12 * 20 + 10], mask[12 * 20 + 4]], [255, 0]);
});

for (const [scale, angle] of [[0.9, 0.4], [0.45, -1.1], [0.11, 2.2], [1.7, 0.3]] as const) {
  Deno.test(`renderSprite() keeps the covered area and centre at scale ${scale}, angle ${angle}`, () => {
    const canvas = 96;
    const { mask } = render(
      rectangle(64, 10, 20, 32, 24),
      { scale, angle, x: 47.3, y: 49.1 },
      canvas,
    );
    const area = sum(mask) / 255;
    assertClose(area, 32 * 24 * scale * scale, 0.03);
    let [cx, cy] = [0, 0];
    mask.forEach((m, i) => {
      cx += (i % canvas + 0.5) * m / 255 / area;
      cy += (Math.floor(i / canvas) + 0.5) * m / 255 / area;
    });
    assertClose([cx, cy], [47.3, 49.1], 0.002);
  });
}

Deno.test("renderSprite() turns clockwise as seen", () => {
  const quarter = { scale: 1, angle: Math.PI / 2, x: 16, y: 16 };
  const grey = new Uint8Array(256);
  // A bar of four rows, brighter on the left.
  for (let i = 0; i < 16 * 4; i++) grey[i] = i % 16 < 8 ? 255 : 60;
  const { mask } = render(makeSprite(grey, 16), quarter, 32);
  assertTrue(mask[10 * 32 + 16]! > 240, "the left end comes to lie on top");
  assertTrue(Math.abs(mask[22 * 32 + 16]! - 60) < 5, "the right end at the bottom");
});

Deno.test("renderSprite() pixels are object + (1 − mask) · background", () => {
  const { pixels, mask } = render(rectangle(64, 10, 20, 32, 24), {
    scale: 0.4,
    angle: 0.5,
    x: 12,
    y: 13,
  }, 24);
  mask.forEach((m, i) => {
    const expected = [200, 100, 50].map((v, c) => m / 255 * v + (1 - m / 255) * [128, 10, 255][c]!);
    expected.forEach((v, c) => assertTrue(Math.abs(pixels[i * 3 + c]! - v) <= 2, `pixel ${i}`));
  });
  assertTrue(mask.some((m) => m > 20 && m < 235), "the edges are smooth");
});

Deno.test("renderSprite() puts an object over pixels, which may be those it overwrites", () => {
  const sprite = rectangle(64, 10, 20, 32, 24);
  const placement = { scale: 0.4, angle: 0.5, x: 12, y: 13 };
  const behind = Uint8Array.from({ length: 24 * 24 * 3 }, (_, i) => (i * 37) % 256);
  const pixels = new Uint8Array(behind.length);
  const mask = new Uint8Array(24 * 24);
  renderSprite(sprite, placement, 24, behind, pixels, mask);
  mask.forEach((m, p) => {
    for (let c = 0; c < 3; c++) {
      const expected = m / 255 * [200, 100, 50][c]! + (1 - m / 255) * behind[3 * p + c]!;
      assertTrue(Math.abs(pixels[3 * p + c]! - expected) <= 2, `pixel ${p}`);
    }
  });
  assertTrue(mask.includes(0) && mask.includes(255), "the object and what is behind it");
  renderSprite(sprite, placement, 24, behind, behind);
  assertEquals(behind, pixels);
});

Deno.test("drawPlacement() never cuts an object off and uses the whole canvas", () => {
  const sprite = rectangle(32, 2, 9, 28, 12);
  const rng = createRng(3);
  let touched = 0;
  for (let i = 0; i < 200; i++) {
    const range = { extent: [0.4, 1.2], rotation: 180 } as const;
    const placement = drawPlacement(rng.fork(i), sprite.box, 40, range);
    const { mask } = render(sprite, placement, 40);
    assertClose(sum(mask) / 255, 28 * 12 * placement.scale ** 2, 0.05);
    if (mask.subarray(0, 80).some((m) => m > 0)) touched++;
  }
  assertTrue(touched > 20, `${touched} of 200 come near the top edge`);
});

Deno.test("drawPlacement() draws extent and angle from their ranges, the same for the same stream", () => {
  const box = { left: 0, top: 0, right: 10, bottom: 20 };
  const range = { extent: [0.3, 0.5], rotation: 30 } as const;
  const draws = Array.from(
    { length: 300 },
    (_, i) => drawPlacement(createRng(1).fork(i), box, 64, range),
  );
  const extents = draws.map(({ scale }) => scale * 20 / 64);
  assertTrue(Math.min(...extents) >= 0.3 && Math.max(...extents) <= 0.5, "extent");
  assertTrue(
    Math.min(...extents) < 0.32 && Math.max(...extents) > 0.48,
    "the whole range of extents",
  );
  const degrees = draws.map(({ angle }) => angle * 180 / Math.PI);
  assertTrue(Math.min(...degrees) < -27 && Math.max(...degrees) > 27, "the whole range of angles");
  assertTrue(degrees.every((angle) => Math.abs(angle) <= 30), "angle");
  assertEquals(drawPlacement(createRng(1).fork(7), box, 64, range), draws[7]);
});

Deno.test("makeSprite() throws when the raster is not S × S × C", () => {
  assertThrows(
    () => makeSprite(new Uint8Array(48), 4),
    TypeError,
    "4×4×1 or 4: current raster has 48",
  );
});
