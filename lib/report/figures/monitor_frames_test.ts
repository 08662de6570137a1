import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { monitorFrames } from "./monitor_frames.ts";

const curve = (arch: string, values: readonly number[]) => ({
  arch,
  points: values.map((value, i) => ({ epoch: i + 1, values: [value, value] })),
});

Deno.test("monitorFrames() shows what is known at each epoch, and nothing of what comes later", () => {
  const frames = monitorFrames([curve("BC-SSL", [0.2, 0.3, 0.25]), curve("Swin", [0.2, 0.2])]);
  assertEquals(frames.map(({ at }) => at), ["epoch 1", "epoch 2", "epoch 3"]);
  assertEquals(
    frames[2]!.says,
    "BC-SSL 25.0 %, 5.0 below its best, at epoch 2; Swin 20.0 %, its best so far",
  );
  const dots = frames.map(({ picture }) => (picture as { outerHTML: string }).outerHTML)
    .map((svg) =>
      svg.match(/aria-label="dot"[^]*?<\/g>/g)!.map((group) =>
        group.split("<path").length +
        group.split("<circle").length - 2
      )
    );
  const count = dots.map((groups) => groups.reduce((sum, number) => sum + number, 0));
  assertTrue(count[1]! > count[0]! && count[2]! > count[1]!, `${count}`);
});

Deno.test("monitorFrames() of a long run has at most twenty frames, with the last epoch", () => {
  const frames = monitorFrames([curve("ViT", Array.from({ length: 45 }, (_, i) => i / 50))]);
  assertEquals([frames.length, frames.at(-1)!.at], [15, "epoch 45"]);
  assertThrows(() => monitorFrames([]), RangeError, "nothing was measured");
});
