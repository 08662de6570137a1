import {
  paperDetectors,
  sceneDetectorOn,
  sceneDetectors,
} from "lib/experiments/detect/detector_runs.ts";
import { detectorId, detectorRecipeAt, shownAt } from "lib/experiments/detect/detector_config.ts";
import { override, runId } from "lib/experiments/configs/config.ts";
import { bcSslEmoji } from "lib/experiments/configs/notebook_runs.ts";
import { table4 } from "lib/paper/mod.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

Deno.test("paperDetectors are the rows of Table 4 that are the authors', at mmdet's sizes", () => {
  const rows = table4.rows.filter(({ ours }) => ours)
    .map(({ kernelSize, epochs }) => `coco_bcssl_t_k${kernelSize}_${epochs}ep`);
  const names = paperDetectors.map(({ name }) => name);
  assertEquals(names, [...rows.map((row) => `${row}_1x`), ...rows.map((row) => `${row}_3x`)]);
  const recipe = detectorRecipeAt(paperDetectors.at(-1)!, "paper");
  assertEquals(recipe.augment, {
    flip: 0.5,
    shortSides: [480, 512, 544, 576, 608, 640, 672, 704, 736, 768, 800],
    longSide: 1333,
    crop: { probability: 0.5, shortSides: [400, 500, 600], sides: [384, 600] },
  });
  assertEquals([recipe.epochs, recipe.batchSize, recipe.lr], [36, 16, 1e-4]);
  assertEquals(recipe.drops, [27 / 36, 33 / 36]);
  const { shortSide, longSide } = shownAt(paperDetectors[0]!, "paper");
  assertEquals([shortSide, longSide], [800, 1333]);
});

Deno.test("paperDetectors start from the paper's runs, with the detector's own drop path and layer scale", () => {
  for (const { name, pretrained, model: { backbone } } of paperDetectors) {
    assertTrue(pretrained !== null && "config" in pretrained, name);
    if (pretrained === null || !("config" in pretrained)) continue;
    assertTrue(name.includes(pretrained.config.name), name);
    const { model } = pretrained.config.recipe;
    assertEquals(backbone, { ...model, dropPathRate: 0.4, layerScaleInit: 1 } as typeof backbone);
  }
});

Deno.test("sceneDetectorOn() is paired with the pre-training by its seed", () => {
  const wide = override(bcSslEmoji, { name: "k9", recipe: { model: { kernelSize: 9 } } });
  const config = sceneDetectorOn(wide);
  assertEquals(config.model.backbone, wide.recipe.model);
  const ids = [0, 1].map((seed) => detectorId({ config, scale: "laptop", seed }));
  assertTrue(ids[0] !== ids[1] && ids[0]!.startsWith("scenes_k9-"), String(ids));
  const runs = [0, 1].map((seed) => runId({ config: wide, scale: "laptop", seed }));
  assertTrue(runs[0] !== runs[1], "two runs");
});

Deno.test("sceneDetectorOn() has scenes twice as high as the images of the pre-training, and anchors in proportion", () => {
  const sizesOf = (side: number, paper = 64) => {
    const images = { laptop: { imageSize: side }, paper: { imageSize: paper } };
    const { scales, model: { rpn, regions } } = sceneDetectorOn(
      override(bcSslEmoji, { scales: images }),
    );
    const anchors = rpn.anchors.map(({ sizes }) => sizes[0]);
    return [scales.laptop.imageSize, scales.paper.imageSize, anchors, regions.canonicalSize];
  };
  assertEquals(sizesOf(80, 160), [160, 320, [25, 40, 60, 90, 130], 112]);
  assertEquals(sizesOf(32), [128, 256, [20, 32, 48, 72, 104], 112]); // no smaller scenes
  const coarse = override(bcSslEmoji, { recipe: { model: { patchSize: 8 } } });
  assertEquals(sceneDetectorOn(coarse).model.regions.canonicalSize, 224); // P4 has stride 32
});

Deno.test("sceneDetectors stand on the arms of both geometries, by kernel size", () => {
  const kernels = sceneDetectors.map(({ model: { backbone } }) =>
    "kernelSize" in backbone && backbone.kernelSize
  );
  assertEquals(kernels, [3, 5, 7, 9, 3, 5, 7, 9]);
  for (const { pretrained, model } of sceneDetectors) {
    const from = pretrained !== null && "config" in pretrained ? pretrained.config : undefined;
    assertEquals(from?.recipe.model, model.backbone);
    assertEquals(from?.data, { kind: "emoji", labels: "subgroup" });
  }
});

Deno.test("a scale that there is not is named", () => {
  const recipe = () => detectorRecipeAt(sceneDetectors[0]!, "huge" as "smoke");
  assertThrows(recipe, RangeError, 'Cannot run "scenes_emoji_bcssl_k3" at scale "huge"');
});
