import { readSafetensors, writeSafetensors } from "lib/train/safetensors.ts";
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
