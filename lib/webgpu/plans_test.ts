/** How work is divided, which needs no device. */
import type * as tf from "lib/tf.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { memory } from "./depthwise.ts";
import { chooseTile, type TileQuestion } from "./depthwise_tile.ts";
import { blockSize, packsOf } from "./packs.ts";
import { partsOf } from "./sums.ts";

/** Sizes of results, of kernels, and of maps that a kernel's gradient adds up. */
const sides = [1, 2, 3, 5, 7, 8, 14, 15, 17, 31, 51, 56, 112, 200];

Deno.test("a tile of a convolution fits into a workgroup, whatever the sizes", () => {
  const moves = [[1, 1], [2, 1], [1, 2]] as const;
  const questions = sides.flatMap((rows) =>
    sides.flatMap((columns) =>
      sides.flatMap((taps) =>
        moves.flatMap(([placeStep, tapStep]) =>
          [1, 3, 24, 96].map((channels): TileQuestion => ({
            places: [rows, columns],
            taps: [taps, taps],
            ...{ placeStep, tapStep, channels, memory },
          }))
        )
      )
    )
  );
  assertEquals(questions.filter((question) => !fits(question)), []);
});

/** Whether a tile has memory and threads enough, and takes at least one tap and no more than all. */
function fits(question: TileQuestion): boolean {
  const { placeStep, tapStep, taps, memory } = question;
  const { height, width, channels, threads, tapRows, tapColumns } = chooseTile(question);
  const side = (places: number, count: number) =>
    (places - 1) * placeStep + (count - 1) * tapStep + 1;
  const numbers = side(height, tapRows) * side(width, tapColumns) + 1; // a thread reads one too far
  return numbers * channels <= memory &&
    height * width / 4 * channels <= threads && width % 4 === 0 &&
    tapRows >= 1 && tapRows <= taps[0] && tapColumns >= 1 && tapColumns <= taps[1];
}

Deno.test("a tile of a kernel of 31 adds many taps at a time, and wastes few threads", () => {
  const common = { placeStep: 1, tapStep: 1, channels: 96, memory };
  const { tapRows, tapColumns, channels } = chooseTile({
    ...common,
    places: [28, 28],
    taps: [31, 31],
  });
  assertTrue(
    tapRows * tapColumns >= 64 && channels >= 8,
    `${tapRows} × ${tapColumns}, ${channels}`,
  );
  const { height, width } = chooseTile({ ...common, places: [7, 7], taps: [7, 7] });
  assertEquals([height, width], [7, 8]);
});

Deno.test("small tensors go into packs, large ones stay apart, empty ones go nowhere", () => {
  const infos = [3, 2 ** 18, 256, 0, 257].map((size) => ({ shape: [size] }) as tf.TensorInfo);
  const { packs, alone } = packsOf(infos);
  assertEquals(alone, [1]);
  assertEquals(packs, [{ members: [0, 2, 4], offsets: [0, blockSize, 2 * blockSize], blocks: 4 }]);
  const many = Array.from({ length: 20 }, () => ({ shape: [2 ** 17] }) as tf.TensorInfo);
  assertEquals(packsOf(many).packs.map(({ members }) => members.length), [16, 4]);
});

Deno.test("the parts of rows hold every row once", () => {
  for (const rows of [0, 1, 63, 64, 65, 8191, 8193, 1_000_003]) {
    const { parts, perPart } = partsOf(rows);
    assertTrue(parts >= 1 && parts <= 128, `${parts} parts`);
    assertTrue(
      parts * perPart >= rows && (parts - 1) * perPart < Math.max(1, rows),
      `${rows} rows`,
    );
  }
});
