import golden from "lib/datasets/golden/mat.json" with { type: "json" };
import { parseMat } from "./mat.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

for (const [name, file] of Object.entries(golden)) {
  Deno.test(`parseMat() reads structures, text and numbers as SciPy wrote them, ${name}`, () => {
    const synset = (id: number, wnid: string, words: string, children: readonly number[]) => ({
      ILSVRC2012_ID: [id],
      WNID: wnid,
      words,
      num_children: [children.length],
      children,
    });
    assertEquals(parseMat(Uint8Array.fromBase64(file), "meta.mat"), {
      synsets: [
        synset(1, "n02119789", "kit fox, Vulpes macrotis", []),
        synset(2, "n01440764", "tench, Tinca tinca", []),
        synset(3, "n00001740", "entité, née", [1, 2]),
      ],
      pi: [3.25],
      mask: [1, -2, 300],
    });
  });
}

Deno.test("parseMat() throws on another file, and on one that is cut short", () => {
  const bytes = Uint8Array.fromBase64(golden.plain);
  const read = (part: Uint8Array) => () => parseMat(part, "meta.mat");
  assertThrows(read(bytes.subarray(0, 600)), TypeError, "Cannot read meta.mat: it is cut short");
  assertThrows(read(bytes.subarray(1)), TypeError, "not a MAT-file of version 5");
  assertThrows(read(new Uint8Array(3)), TypeError, "not a MAT-file of version 5");
});
