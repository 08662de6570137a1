import { openShiftedSets } from "./shifted_sets.ts";
import { override, sizesAt } from "lib/experiments/configs/config.ts";
import { openData } from "lib/experiments/configs/data.ts";
import { bcSslEmoji } from "lib/experiments/configs/notebook_runs.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

Deno.test("openShiftedSets() shifts the very images that the run is tested on, textured ones too", async () => {
  for (const data of [{}, { background: "textured" }] as const) {
    const config = override(bcSslEmoji, { data });
    const { clean } = await openShiftedSets(config, "smoke");
    const { test } = await openData(config.data, sizesAt(config, "smoke"));
    assertEquals(clean, test);
  }
});

Deno.test("openShiftedSets() refuses scenes, which have no other styles", async () => {
  const config = override(bcSslEmoji, { data: { kind: "scenes", labels: "subgroup" } });
  await assertRejects(
    () => openShiftedSets(config, "smoke"),
    RangeError,
    'Cannot test robustness on "scenes": only emoji and ImageNet',
  );
});
