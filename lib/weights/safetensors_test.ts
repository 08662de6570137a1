import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { createRng } from "lib/rng.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const content = {
  arrays: new Map([
    ["a.weight", { shape: [2, 3], values: Float32Array.of(1, -2, 3, 0.5, NaN, Infinity) }],
    ["empty", { shape: [0], values: new Float32Array() }],
    ["scalar", { shape: [], values: Float32Array.of(7) }],
  ]),
  metadata: { step: "12" },
};

function inFolder(run: (path: string, folder: string) => void): void {
  const folder = Deno.makeTempDirSync();
  try {
    run(`${folder}/x.safetensors`, folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("what is written is read, to the last bit", () =>
  inFolder((path) => {
    writeSafetensors(path, content);
    assertEquals(readSafetensors(path), content);
  }));

Deno.test("values are aligned, names of any script too", () =>
  inFolder((path) => {
    const arrays = new Map([["вес", { shape: [1], values: Float32Array.of(1) }]]);
    writeSafetensors(path, { arrays, metadata: {} });
    assertEquals(Deno.statSync(path).size % 8, 4);
    assertEquals(readSafetensors(path).arrays, arrays);
  }));

Deno.test("the bytes are those of the published format", () =>
  inFolder((path) => {
    writeSafetensors(path, {
      arrays: new Map([["x", { shape: [1], values: Float32Array.of(1) }]]),
      metadata: {},
    });
    const bytes = Deno.readFileSync(path);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    assertEquals(length % 8, 0);
    assertEquals(JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))), {
      __metadata__: {},
      x: { dtype: "F32", shape: [1], data_offsets: [0, 4] },
    });
    assertEquals([...bytes.subarray(8 + length)], [0, 0, 0x80, 0x3f]);
  }));

/** A file of eight bytes of values, whose header says this. */
function fileOf(header: unknown): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (from: number, to: number, shape: unknown = [(to - from) / 4], dtype = "F32") => ({
  dtype,
  shape,
  data_offsets: [from, to],
});
const refused: Readonly<Record<string, readonly [header: unknown, why: string]>> = {
  "arrays that overlap": [{ a: entry(0, 8), b: entry(4, 8) }, "two arrays share its bytes from 4"],
  "bytes that no array has": [{ a: entry(0, 4), b: entry(8, 12) }, "no array has its bytes 4 to 8"],
  "bytes after the last array": [{ a: entry(0, 4) }, "4 bytes after its last array"],
  "values cut short": [{ a: entry(0, 8), b: entry(8, 12) }, "cut short: 8 of 12"],
  "a negative side": [{ a: entry(0, 8, [-1, -2]) }, "impossible shape [-1,-2]"],
  "half a side": [{ a: entry(0, 8, [0.5, 4]) }, "impossible shape"],
  "a side that is text": [{ a: entry(0, 8, ["2"]) }, "impossible shape"],
  "a shape of 2⁸⁰ elements": [{ a: entry(0, 8, [2 ** 40, 2 ** 40]) }, "impossible shape"],
  "a shape of other bytes": [{ a: entry(0, 8, [3]) }, "does not fit its bytes 0 to 8"],
  "an offset before the values": [{ a: entry(-8, 0, [2]) }, "does not fit"],
  "an array of an unknown type that ends before it begins": [
    { a: entry(8, 0, [2], "C64") },
    "does not fit",
  ],
  "no shape": [{ a: { dtype: "F32", data_offsets: [0, 8] } }, "no shape"],
  "three offsets": [
    { a: { dtype: "F32", shape: [2], data_offsets: [0, 8, 8] } },
    "no data_offsets",
  ],
  "an entry that is null": [{ a: null }, '"a" has no dtype'],
  "metadata of numbers": [{ __metadata__: { step: 1 }, a: entry(0, 8) }, "__metadata__"],
  "a header that is a list": [[], "not a JSON object"],
};

for (const [what, [header, why]] of Object.entries(refused)) {
  Deno.test(`readSafetensors() refuses ${what}`, () =>
    inFolder((path) => {
      Deno.writeFileSync(path, fileOf(header));
      assertThrows(() => readSafetensors(path), Error, why);
    }));
}

Deno.test("readSafetensors() says which arrays are of types that it does not read", () =>
  inFolder((path) => {
    for (const type of ["C64", "toString"]) {
      Deno.writeFileSync(path, fileOf({ a: entry(0, 4), b: entry(4, 8, [1], type) }));
      const { arrays, unreadable } = readSafetensors(path);
      assertEquals([...arrays.keys()], ["a"]);
      assertTrue(unreadable!.get("b")!.startsWith(`it is ${type}; only F32, F16`), "b");
    }
  }));

Deno.test("a header longer than the file, by any number, is refused", () =>
  inFolder((path) => {
    const bytes = fileOf({ a: entry(0, 8) });
    for (const length of [BigInt(bytes.length), 2n ** 53n, 2n ** 64n - 1n]) {
      new DataView(bytes.buffer).setBigUint64(0, length, true);
      Deno.writeFileSync(path, bytes);
      assertThrows(() => readSafetensors(path), Error, "header is cut short");
    }
  }));

Deno.test("every cut and a thousand random bytes give an error that names the file, or the same arrays", () =>
  inFolder((path) => {
    writeSafetensors(path, content);
    const good = Deno.readFileSync(path);
    for (let length = 0; length < good.length; length++) {
      Deno.writeFileSync(path, good.subarray(0, length));
      assertThrows(() => readSafetensors(path), Error, path);
    }
    const rng = createRng(1);
    for (let i = 0; i < 1000; i++) {
      const bad = good.slice();
      bad[rng.int(bad.length)] = rng.int(256);
      Deno.writeFileSync(path, bad);
      try {
        readSafetensors(path);
      } catch (error) {
        assertTrue(error instanceof Error && error.message.includes(path), String(error));
      }
    }
  }));

Deno.test("a write that fails leaves the older file and no partial one", () =>
  inFolder((path, folder) => {
    writeSafetensors(path, content);
    const target = `${folder}/folder.safetensors`;
    Deno.mkdirSync(target); // renaming a file over a folder fails after the bytes were written
    assertThrows(() => writeSafetensors(target, content), Error, target);
    assertThrows(() => writeSafetensors(`${folder}/none/x`, content), Error, "none/x");
    assertEquals(readSafetensors(path), content);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
    assertEquals(names, ["folder.safetensors", "x.safetensors"]);
  }));
