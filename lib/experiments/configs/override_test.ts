import { recipeAt, runId } from "./config.ts";
import { bcSslEmoji, bcSslStart } from "./notebook_runs.ts";
import { override } from "./override.ts";
import { paperRuns } from "./paper_runs.ts";
import { detectorId } from "lib/experiments/detect/detector_config.ts";
import { paperDetectors, sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import { vitConfig } from "lib/models/mod.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

Deno.test("override() takes every optional field, writes no default, and takes it out again", () => {
  const key = { scale: "smoke", seed: 0 } as const;
  assertEquals(override(bcSslStart, {}), bcSslStart);
  for (
    const recipe of [
      { precision: "bf16" },
      { accumulate: 2 },
      { optimizer: "lars" },
      { teacherDropPath: true },
    ] as const
  ) {
    const config = override(bcSslStart, { recipe });
    assertEquals(config.recipe, { ...bcSslStart.recipe, ...recipe });
    assertTrue(runId({ config, ...key }) !== runId({ config: bcSslStart, ...key }), "another run");
    const [name] = Object.keys(recipe);
    assertEquals(override(config, { recipe: { [name!]: undefined } }), bcSslStart);
    assertEquals(recipeAt(config, "smoke")[name as "precision"], Object.values(recipe)[0]);
  }
  const textured = override(bcSslEmoji, { data: { background: "textured" } });
  assertEquals(textured.data, { ...bcSslEmoji.data, background: "textured" });
  assertEquals(override(textured, { data: { background: undefined } }), bcSslEmoji);
  const scenes = override(bcSslEmoji, { data: { kind: "scenes", labels: "subgroup" } });
  const emojiIds = [bcSslEmoji, textured, scenes].map((config) => runId({ config, ...key }));
  assertEquals(new Set(emojiIds).size, 3);
  const imageNet = paperRuns[0]!.config;
  const data = { kind: "imagenet", numClasses: 10, folder: "/a", maxBadFraction: 0.5 } as const;
  assertEquals(override(imageNet, { data }).data, data);
  const coco = paperDetectors[0]!;
  const found = override(coco, {
    data: { folder: "/a", train: "t", val: "v", onFault: "stop" },
    pretrained: { seed: 3, of: "student" },
  });
  assertEquals(found.data, { kind: "coco", folder: "/a", train: "t", val: "v", onFault: "stop" });
  assertTrue(
    detectorId({ config: found, ...key }) !== detectorId({ config: coco, ...key }),
    "another run",
  );
});

Deno.test("override() replaces data, network or origin of another kind as a whole", () => {
  const folder = { kind: "folder", train: "a", test: "b" } as const;
  assertEquals(override(bcSslStart, { data: folder }).data, folder);
  assertEquals(override(bcSslStart, { recipe: { model: vitConfig("nano") } }).recipe.model, {
    ...vitConfig("nano"),
  });
  const file = override(sceneDetectors[0]!, { pretrained: { weights: "w.safetensors" } });
  assertEquals(file.pretrained, { weights: "w.safetensors" });
  assertEquals(override(file, { pretrained: null }).pretrained, null);
  const wrong = () => override(bcSslStart, { data: { kind: "folder" } });
  assertThrows(wrong, TypeError, 'Cannot change "start": "data.train" is missing: need a path');
});
