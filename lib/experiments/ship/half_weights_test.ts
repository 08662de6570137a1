import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { halfWeights } from "./half_weights.ts";
import { readSafetensors, writeSafetensors } from "lib/weights/safetensors.ts";
import type { SavedArray } from "lib/weights/saved_array.ts";
import { checksumOf, readTrainingState } from "lib/weights/training_state.ts";

const matrix: SavedArray = { shape: [2, 2], values: Float32Array.of(1 / 3, -2e-6, 1e-9, 1000.25) };
const arrays = new Map<string, SavedArray>([
  ["teacher.weight", matrix],
  ["teacher.running_var", { shape: [2], values: Float32Array.of(1e-9, 1 / 3) }],
  ["teacher.large", { shape: [1, 2], values: Float32Array.of(70_000, 0.1) }],
  ["student.weight", matrix],
]);

Deno.test("halfWeights() rounds matrices to float16, and keeps vectors and large values", () =>
  inTempFolder((folder) => {
    const metadata = { format: "pt", step: "7", crc32: checksumOf(arrays) };
    writeSafetensors(`${folder}/whole.safetensors`, { arrays, metadata });
    const half = halfWeights(`${folder}/whole.safetensors`, (name) => name.startsWith("teacher."));
    const path = `${folder}/half.safetensors`;
    writeSafetensors(path, half);
    const { arrays: read, metadata: { step } } = readTrainingState(path); // its checksum fits
    assertEquals([...read.keys()].sort(), [
      "teacher.large",
      "teacher.running_var",
      "teacher.weight",
    ]);
    assertEquals(step, "7");
    const rounded = [...read.get("teacher.weight")!.values];
    assertEquals(rounded, [...matrix.values].map(Math.f16round));
    for (const name of ["teacher.running_var", "teacher.large"]) {
      assertEquals(read.get(name)!.values, arrays.get(name)!.values);
    }
    const header = new TextDecoder().decode(Deno.readFileSync(path).subarray(0, 400));
    assertTrue(header.includes('"teacher.weight":{"dtype":"F16","shape":[2,2]'), header);
    return Promise.resolve();
  }));

Deno.test("halfWeights() refuses a damaged checkpoint, and a wrong bit of its own file is noticed", () =>
  inTempFolder((folder) => {
    const path = `${folder}/a.safetensors`;
    writeSafetensors(path, { arrays, metadata: { format: "pt", step: "7", crc32: "0" } });
    assertThrows(() => halfWeights(path, () => true), Error, "Cannot resume from");
    writeSafetensors(path, { arrays, metadata: { crc32: checksumOf(arrays), step: "7" } });
    writeSafetensors(path, halfWeights(path, () => true));
    const bytes = Deno.readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    Deno.writeFileSync(path, bytes);
    assertEquals(readSafetensors(path).arrays.size, 4);
    assertThrows(() => readTrainingState(path), Error, "are not those that were saved");
    return Promise.resolve();
  }));
