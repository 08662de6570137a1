import { openPcam } from "./pcam.ts";
import { imageAt } from "lib/datasets/pictures/images.ts";
import { inMemory } from "lib/datasets/pictures/stored_images.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

type Written = typeof import("h5wasm/node")["default"];

/** Writes an array in chunks of one entry, compressed, as the published files are. */
function write(hdf5: Written, path: string, name: string, shape: number[], data: Uint8Array): void {
  const file = new hdf5.File(path, "w");
  const chunks = [1, ...shape.slice(1)];
  const how = { compression: "gzip", compression_opts: 4 } as const;
  file.create_dataset({ name, data, shape, dtype: "<B", chunks, ...how });
  file.close();
}

/** Picture i is of the value 10·i + 1 (of a byte), but its last byte, which is 7. */
function pictures(count: number): Uint8Array {
  const bytes = 96 * 96 * 3;
  const data = new Uint8Array(count * bytes);
  for (let i = 0; i < count; i++) {
    data.fill(10 * i + 1, i * bytes, (i + 1) * bytes);
    data[(i + 1) * bytes - 1] = 7;
  }
  return data;
}

Deno.test("openPcam() reads three pairs of HDF5 files, and names what is wrong", () =>
  inTempFolder(async (folder) => {
    const { default: hdf5 } = await import("h5wasm/node");
    await hdf5.ready;
    const at = (part: string) => `${folder}/camelyonpatch_level_2_split_${part}`;
    const counts = { train: 1030, valid: 1, test: 2 }; // training takes two reads
    for (const [part, count] of Object.entries(counts)) {
      write(hdf5, `${at(part)}_x.h5`, "x", [count, 96, 96, 3], pictures(count));
      const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
      write(hdf5, `${at(part)}_y.h5`, "y", [count, 1, 1, 1], labels);
    }
    const { train, val, test } = await openPcam(folder);
    const labels = [train, val!, test].map(({ labels }) => [...labels]);
    assertEquals(labels, [Array.from({ length: 1030 }, (_, i) => i % 2), [0], [0, 1]]);
    for (const index of [3, 1023, 1024, 1029]) {
      const { pixels, className, id } = imageAt(inMemory(train, "compare"), index);
      const value = (10 * index + 1) % 256;
      assertEquals([pixels[0], pixels.at(-2), pixels.at(-1), className, id], [
        ...[value, value, 7, index % 2 ? "tumour" : "no tumour", `train/${index}`],
      ]);
    }
    const few = inMemory((await openPcam(folder, { trainCount: 3 })).train, "compare");
    assertEquals([few.ids, [...few.labels]], [["train/0", "train/343", "train/686"], [0, 1, 0]]);
    assertEquals(imageAt(few, 1).pixels[0], (10 * 343 + 1) % 256);
    await assertRejects(
      () => openPcam(folder, { trainCount: 0 }),
      RangeError,
      "Cannot read 0 pictures of PatchCamelyon for training: need a positive integer",
    );
    const fails = (text: string) => assertRejects(() => openPcam(folder), Error, text);
    write(hdf5, `${at("test")}_y.h5`, "y", [3, 1, 1, 1], new Uint8Array(3));
    await fails(
      "camelyonpatch_level_2_split_test_x.h5 has 2 pictures, camelyonpatch_level_2_split_test_y.h5 3",
    );
    write(hdf5, `${at("test")}_y.h5`, "x", [2, 1, 1, 1], new Uint8Array(2));
    await fails("camelyonpatch_level_2_split_test_y.h5 has no array y of [N, 1, 1, 1]");
    await Deno.writeTextFile(`${at("test")}_y.h5`, "<html>");
    await fails("camelyonpatch_level_2_split_test_y.h5 is no HDF5 file; unpack");
    await Deno.remove(`${at("test")}_y.h5`);
    await fails("camelyonpatch_level_2_split_test_y.h5 is missing");
  }));
