import { createHash } from "node:crypto";
import { checks, drawTexture, noise, ramps } from "./texture.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("drawTexture() draws what it always drew: scenes are made once and kept", () => {
  const hash = createHash("sha256");
  for (let i = 0; i < 60; i++) hash.update(drawTexture(createRng(5).fork(i), 64 + i, 96 - i));
  assertEquals(
    hash.digest("hex"),
    "f9497ad0e75d78f9b8880f669604397f8552ff91c75a2c756529ebe3a156967e",
  );
});

const [width, height] = [24, 36];
const flat = new Float32Array(width * height);

Deno.test("checks() alternate in both directions, ramps() rise in one", () => {
  const waves = { angle: 0, period: 12, amount: 0 };
  const board = checks(flat, width, waves);
  const at = (x: number, y: number) => board[y * width + x]!;
  // The middles of squares of six pixels a side.
  assertClose([at(3, 3), at(9, 9), at(9, 3), at(3, 9), at(15, 3)], [1, 1, 0, 0, 1]);
  const slope = ramps(flat, width, waves);
  for (const y of [0, 7, 35]) {
    const row = [0, 3, 6, 9, 12, 15].map((x) => slope[y * width + x]!);
    assertClose(row, [0, 0.25, 0.5, 0.75, 0, 0.25]);
  }
});

Deno.test("patterns are from 0 to 1, and bent by the noise", () => {
  const bend = noise(createRng(1), height, width, 7);
  for (const pattern of [checks, ramps]) {
    const bent = pattern(bend, width, { angle: 0.4, period: 9, amount: 3 });
    const straight = pattern(flat, width, { angle: 0.4, period: 9, amount: 3 });
    assertTrue(bent.every((value) => value >= 0 && value <= 1), "range");
    assertTrue(bent.some((value, p) => Math.abs(value - straight[p]!) > 0.5), "bent");
  }
});
