import { parseIdx } from "./idx.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

const header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3];

Deno.test("parseIdx() reads shape and bytes, also from within a larger buffer", () => {
  const larger = Uint8Array.from([9, 9, ...header, 1, 2, 3, 4, 5, 6]);
  const { shape, data } = parseIdx(larger.subarray(2), "x");
  assertEquals([shape, [...data]], [[2, 1, 3], [1, 2, 3, 4, 5, 6]]);
});

Deno.test("parseIdx() throws when the file is not IDX, cut short or too long", () => {
  const parse = (bytes: number[]) => () => parseIdx(Uint8Array.from(bytes), "f.idx");
  assertThrows(parse([]), TypeError, "Cannot read f.idx: need an IDX file");
  assertThrows(parse([0x89, 0x50, 0x4e, 0x47, 1, 2, 3, 4]), TypeError, "0x89504e47");
  assertThrows(parse([0, 0, 0x0d, 1, 0, 0, 0, 0]), TypeError, "0x00000d01"); // floats
  assertThrows(parse(header.slice(0, 9)), TypeError, "need an IDX file");
  assertThrows(parse([...header, 1, 2]), TypeError, "needs 22 bytes, current length is 18");
  assertThrows(parse([...header, 1, 2, 3, 4, 5, 6, 7]), TypeError, "current length is 23");
});
