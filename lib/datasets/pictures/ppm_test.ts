import { decodeOrReason } from "./damage_reason.ts";
import { decodePicture, decodeUpright, pictureSize } from "./decode_picture.ts";
import { assertEquals } from "lib/testing/assert.ts";

const ppm = (header: string, pixels: readonly number[]) =>
  Uint8Array.of(...new TextEncoder().encode(header), ...pixels);
const pixels = [10, 2, 3, 4, 35, 6]; // 10 is a line break, and 35 begins a comment

Deno.test("decodePicture() and decodeUpright() read a PPM, with and without a comment", async () => {
  for (const header of ["P6\n2 1\n255\n", "P6 # by hand\n2\t1 255 ", "P6\n# 9 9\n2 1\n255\n"]) {
    const { data, width, height } = await decodePicture(ppm(header, pixels));
    assertEquals([width, height, ...data], [2, 1, ...pixels]);
    assertEquals([...(await decodeUpright(ppm(header, pixels))).data], pixels);
    assertEquals(await pictureSize(ppm(header, pixels)), { width: 2, height: 1, format: "ppm" });
  }
});

Deno.test("decodePicture() says why a PPM cannot be read", async () => {
  const reason = (header: string) => decodeOrReason(ppm(header, pixels), (b) => decodePicture(b));
  assertEquals(await reason("P6\n2 2\n255\n"), "it is a PPM that is cut short");
  assertEquals(await reason("P6\n2 1\n65535\n"), "it is a PPM with values up to 65535, not 255");
  assertEquals(await reason("P6\n2 x\n255\n"), "it is a PPM whose header is damaged");
});
