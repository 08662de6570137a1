import golden from "lib/datasets/golden/pictures.json" with { type: "json" };
import { decodePicture, pictureSize } from "lib/datasets/pictures/decode_picture.ts";
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
