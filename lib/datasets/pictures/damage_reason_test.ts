import { decodeOrReason, reasonOf } from "./damage_reason.ts";
import { decodePicture } from "./decode_picture.ts";
import { jpeg } from "lib/testing/pictures.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const text = (value: string) => new TextEncoder().encode(value);
const unknown = new Error("Unknown error");

Deno.test("reasonOf() says what is wrong with a file where libvips says Unknown error", async () => {
  assertEquals(reasonOf(new Uint8Array(), unknown), "the file is empty");
  assertEquals(
    reasonOf(text("<!DOCTYPE html><html>"), unknown),
    'it is no picture: it begins with "<!DOCTYPE ht"',
  );
  assertEquals(
    reasonOf(Uint8Array.of(0, 1, 2, 3, 4), unknown),
    "it is no picture: it begins with the bytes 0, 1, 2, 3",
  );
  const bytes = await jpeg(0, 20, 20);
  assertEquals(reasonOf(bytes, unknown), "it is a damaged JPEG");
  assertEquals(reasonOf(bytes, new Error("premature end\nmore")), "premature end");
  const heic = Uint8Array.of(0, 0, 0, 24, ...text("ftypheic0000"));
  assertTrue(reasonOf(heic, unknown).includes("HEIC"), "HEIC");
});

Deno.test("decodeOrReason() gives each of many pictures that are read at once its own reason", async () => {
  const whole = await jpeg(1, 64, 64);
  const files = Array.from(
    { length: 48 },
    (_, i) => [whole, whole.subarray(0, 700), text("no picture at all"), new Uint8Array()][i % 4]!,
  );
  const found = await Promise.all(files.map((bytes) => decodeOrReason(bytes, decodePicture)));
  found.forEach((result, i) => {
    if (i % 4 === 0) return assertEquals((result as { width: number }).width, 64);
    const expected = ["", "premature end", 'it begins with "no picture a"', "is empty"][i % 4]!;
    assertTrue(String(result).includes(expected), `picture ${i}: ${result}`);
  });
});
