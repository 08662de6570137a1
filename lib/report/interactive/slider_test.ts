import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { sliderOutput } from "./slider.ts";

const frame = (at: string, byte: number) => ({
  at,
  picture: Uint8Array.of(byte),
  says: `it is ${at}`,
});
const frames = [frame("3×3", 1), frame("9×9", 2), { at: "15×15", picture: Uint8Array.of(3) }];

Deno.test("sliderOutput() shows one frame without a script, holds each picture once, and says all", () => {
  const output = sliderOutput(frames, { label: "kernel size", start: 1 });
  const html = output["text/html"]!;
  const pictures = [1, 2, 3].map((byte) => `base64,${Uint8Array.of(byte).toBase64()}"`);
  assertEquals(pictures.map((base64) => html.split(base64).length - 1), [1, 1, 1]);
  assertTrue(html.includes(`<img alt="kernel size 9×9: it is 9×9"`), html);
  assertEquals(
    output["text/plain"],
    "kernel size 3×3: it is 3×3\nkernel size 9×9: it is 9×9\nkernel size 15×15",
  );
  const last = sliderOutput(frames, { label: "kernel size" })["text/html"]!;
  assertTrue(last.includes(`<img alt="kernel size 15×15"`), last);
});

Deno.test("sliderOutput() refuses a single picture, a start that is none, and more than 1 MB", () => {
  const one = () => sliderOutput(frames.slice(1, 2), { label: "x" });
  assertThrows(one, RangeError, "Cannot slide over 1 pictures");
  assertThrows(() => sliderOutput(frames, { label: "x", start: 3 }), RangeError, "from number 3");
  const large = frames.map((frame) => ({ ...frame, picture: new Uint8Array(300_000) }));
  assertThrows(() => sliderOutput(large, { label: "x" }), RangeError, "at most 1 is allowed");
});
