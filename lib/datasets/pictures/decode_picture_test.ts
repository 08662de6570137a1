import sharp from "sharp";
import golden from "lib/datasets/golden/pictures.json" with { type: "json" };
import { decodePicture, decodeUpright, pictureSize } from "./decode_picture.ts";
import { jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

for (const [name, { file, width, height, rgb }] of Object.entries(golden.decoded)) {
  Deno.test(`decodePicture() equals Pillow's to the last bit: ${name}`, async () => {
    const image = await decodePicture(Uint8Array.fromBase64(file));
    assertEquals([image.width, image.height], [width, height]);
    const expected = Uint8Array.fromBase64(rgb);
    const wrong = expected.findIndex((value, i) => value !== image.data[i]);
    assertTrue(wrong < 0, `value ${wrong} differs`);
  });
}

Deno.test("decodePicture() shrinks a JPEG to a half, a quarter, an eighth, each square to its mean", async () => {
  const bytes = await jpeg(1, 128, 96);
  const whole = await decodePicture(bytes);
  for (const shrink of [2, 4, 8] as const) {
    const small = await decodePicture(bytes, shrink);
    assertEquals([small.width, small.height], [128 / shrink, 96 / shrink]);
    let total = 0;
    for (let y = 0; y < small.height; y++) {
      for (let x = 0; x < small.width; x++) {
        let sum = 0;
        for (let k = 0; k < shrink ** 2; k++) {
          const [dx, dy] = [k % shrink, Math.floor(k / shrink)];
          sum += whole.data[((y * shrink + dy) * 128 + x * shrink + dx) * 3]!;
        }
        total += Math.abs(small.data[(y * small.width + x) * 3]! - sum / shrink ** 2);
      }
    }
    const mean = total / small.width / small.height;
    assertTrue(mean < 3, `at 1/${shrink}, pixels are ${mean} from the mean`);
  }
  const odd = await decodePicture(await jpeg(1, 131, 90), 4);
  assertEquals([odd.width, odd.height], [32, 22]);
});

Deno.test("decodePicture() and pictureSize() throw on what is cut short or no picture", async () => {
  const bytes = await jpeg(2, 64, 64);
  assertEquals(await pictureSize(bytes), { width: 64, height: 64, format: "jpeg" });
  await assertRejects(() => decodePicture(bytes.subarray(0, bytes.length / 2)), Error, "premature");
  const text = new TextEncoder().encode("hello");
  await assertRejects(() => decodePicture(text), Error, "unsupported");
  await assertRejects(() => pictureSize(text), Error, "unsupported");
});

/** A BMP written by hand. @param rows Its pixels in BGR, from the top. */
function bmp(rows: readonly (readonly number[])[], upsideDown: boolean): Uint8Array {
  const width = rows[0]!.length / 3;
  const lines = rows.map((row) => [...row, ...Array(-row.length & 3).fill(0)]); // to whole words
  const pixels = (upsideDown ? lines.toReversed() : lines).flat();
  const header = new DataView(new ArrayBuffer(54));
  header.setUint16(0, 0x424d);
  header.setUint32(2, 54 + pixels.length, true);
  header.setUint32(10, 54, true); // where the pixels begin
  header.setUint32(14, 40, true);
  header.setInt32(18, width, true);
  header.setInt32(22, upsideDown ? rows.length : -rows.length, true);
  header.setUint16(26, 1, true);
  header.setUint16(28, 24, true);
  header.setUint32(34, pixels.length, true);
  return new Uint8Array([...new Uint8Array(header.buffer), ...pixels]);
}

Deno.test("decodePicture() and decodeUpright() read BMP, stored from the top or from below", async () => {
  const rows = [[1, 2, 3, 4, 5, 6, 7, 8, 9], [10, 20, 30, 40, 50, 60, 70, 80, 90]];
  const expected = [3, 2, 1, 6, 5, 4, 9, 8, 7, 30, 20, 10, 60, 50, 40, 90, 80, 70];
  for (const upsideDown of [true, false]) {
    const bytes = bmp(rows, upsideDown);
    for (const decode of [decodePicture, (bytes: Uint8Array) => decodeUpright(bytes)]) {
      const { width, height, data } = await decode(bytes);
      assertEquals([width, height, [...data]], [3, 2, expected]);
    }
    assertEquals(await pictureSize(bytes), { width: 3, height: 2, format: "bmp" });
    await assertRejects(() => decodePicture(bytes.subarray(0, 40)), Error, "a BMP that is damaged");
  }
});

Deno.test("decodeUpright() reads the first frame of a GIF, TIFF and AVIF, and a grey picture", async () => {
  const background = { r: 200, g: 40, b: 40 };
  const image = sharp({ create: { width: 20, height: 12, channels: 3, background } });
  const files = [image.clone().gif(), image.clone().tiff(), image.clone().avif({ quality: 95 })];
  for (const [i, file] of files.entries()) {
    const { data, width } = await decodeUpright(new Uint8Array(await file.toBuffer()), 8);
    assertEquals([width, data.length], [8, 192]);
    assertTrue(Math.abs(data[0]! - 200) < 8 && Math.abs(data[1]! - 40) < 8, `${i}: ${data}`);
  }
  const grey = await image.clone().greyscale().toColourspace("b-w").png().toBuffer();
  assertEquals(new Set((await decodeUpright(new Uint8Array(grey))).data).size, 1);
});
