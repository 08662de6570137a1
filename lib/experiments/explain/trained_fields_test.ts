import { mosaicOf } from "lib/experiments/explain/trained_fields.ts";
import { assertEquals } from "lib/testing/assert.ts";

Deno.test("mosaicOf() lays images side by side, cuts the middle out, and repeats them if there are few", () => {
  const small = [0, 1, 2, 3, 4, 5].map((image) =>
    // 2 × 2 pixels whose red is 10 · image + place, whose green is the place alone
    Uint8Array.from([0, 1, 2, 3].flatMap((place) => [10 * image + place, place, 255]))
  );
  const { pixels, ids } = mosaicOf(small, { size: 2, images: 2, tiles: 2, side: 4 });
  assertEquals(ids, ["0", "1"]);
  const red = (from: number) => Array.from({ length: 16 }, (_, p) => pixels[(from + p) * 3]!);
  assertEquals(red(0), [0, 1, 10, 11, 2, 3, 12, 13, 20, 21, 30, 31, 22, 23, 32, 33]);
  assertEquals(red(16), [40, 41, 50, 51, 42, 43, 52, 53, 0, 1, 10, 11, 2, 3, 12, 13]);
  const middle = mosaicOf(small, { size: 2, images: 1, tiles: 2, side: 2 }).pixels;
  assertEquals([...middle], [3, 3, 255, 12, 2, 255, 21, 1, 255, 30, 0, 255]);
});
