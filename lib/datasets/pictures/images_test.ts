import { checkImageSet, imageAt, imageCount, type ImageSet, subset, unlabelled } from "./images.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

/** Three 1×2 images: every value differs, so a wrong offset shows. */
const three: ImageSet = {
  name: "three",
  height: 1,
  width: 2,
  pixels: Uint8Array.from({ length: 18 }, (_, i) => i),
  labels: Int32Array.of(1, -1, 0),
  classNames: ["a", "b"],
  ids: ["x", "y", "z"],
  masks: Uint8Array.of(10, 11, 12, 13, 14, 15),
};

Deno.test("imageAt() views one image's own pixels, mask, label and id", () => {
  const { pixels, mask, ...rest } = imageAt(three, 2);
  assertEquals([...pixels], [12, 13, 14, 15, 16, 17]);
  assertEquals([...mask!], [14, 15]);
  assertEquals(rest, { label: 0, className: "a", id: "z" });
  assertEquals(imageAt(three, 1).className, "unlabelled");
});

Deno.test("subset() copies the images asked for, in the order asked for", () => {
  const two = subset(three, [2, 0, 2]);
  assertEquals([...two.pixels], [12, 13, 14, 15, 16, 17, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17]);
  assertEquals([...two.masks!], [14, 15, 10, 11, 14, 15]);
  assertEquals([[...two.labels], two.ids], [[0, 1, 0], ["z", "x", "z"]]);
  checkImageSet(two);
  two.pixels.fill(0);
  assertEquals(three.pixels[12], 12);
});

Deno.test("imageAt() and subset() throw when there is no such image", () => {
  assertThrows(() => imageAt(three, 3), RangeError, 'image 3 of "three": it has 3');
  assertThrows(() => subset(three, [0, -1]), RangeError, "image -1");
  assertThrows(() => subset(three, [0.5]), RangeError, "image 0.5");
});

Deno.test("unlabelled() hides every label and leaves the set as it was", () => {
  assertEquals([...unlabelled(three).labels], [-1, -1, -1]);
  assertEquals(imageCount(unlabelled(three)), 3);
  assertEquals([...three.labels], [1, -1, 0]);
});

Deno.test("checkImageSet() throws when arrays disagree or a label has no name", () => {
  const wrong = (change: Partial<ImageSet>) => () => checkImageSet({ ...three, ...change });
  assertThrows(wrong({ pixels: new Uint8Array(17) }), TypeError, "need 18 pixel values");
  assertThrows(wrong({ masks: new Uint8Array(7) }), TypeError, "need 6 mask values");
  assertThrows(wrong({ ids: ["x"] }), TypeError, "need 3 ids");
  assertThrows(wrong({ labels: Int32Array.of(0, 2, 0) }), TypeError, "label 2");
});
