import { together } from "lib/testing/distributed/together.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/** Reads features in so many processes. @returns What each prints. */
async function read(size: number, images: number, batchSize: number, ...more: string[]) {
  const args = ["--images", `${images}`, "--batch-size", `${batchSize}`, ...more];
  const ended = await together("testing/distributed/read_features.ts", size, { args });
  return ended.map(({ code, output, errors }) => {
    assertEquals(code, 0, output + errors);
    const { result, heard, leaked } = JSON.parse(output.trim().split("\n").at(-1)!);
    assertEquals([heard, leaked], [true, 0]);
    return result;
  });
}

// 27 images: four batches of 8, the last of three; and one batch, which only process 0 reads.
for (const batchSize of [8, 32]) {
  Deno.test(`several processes read the bank of one, to the bit, in batches of ${batchSize}`, async () => {
    const [alone] = await read(1, 27, batchSize);
    assertEquals(alone.labels, Array.from({ length: 27 }, (_, i) => i % 7 - 1));
    for (const size of [2, 3]) {
      const [first, ...others] = await read(size, 27, batchSize);
      assertEquals(first, alone);
      assertTrue(others.every((result) => result === null), "only process 0 has the bank");
    }
  });
}

Deno.test("what ends the reading in one process ends it in all, and they still hear each other", async () => {
  const [first, second] = await read(2, 27, 4, "--stop-at", "2");
  assertEquals(first, { name: "Error", message: "stopped" });
  assertEquals(second.name, "StoppedElsewhereError");
});
