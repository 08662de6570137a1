import { annotationsOf, maskOf, readCocoPicture } from "lib/datasets/coco/coco_set.ts";
import { annotatedPictures } from "lib/experiments/detect/detection_pictures.ts";
import { openDetectionData } from "lib/experiments/detect/detection_data.ts";
import { sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { inTempFolder } from "lib/testing/pictures.ts";
import { writeSquareScenes } from "lib/testing/square_scenes.ts";

Deno.test("annotatedPictures() has the pixels, names, boxes and masks of the images asked for", () =>
  inTempFolder(async (folder) => {
    await writeSquareScenes(folder, "few", { count: 4, height: 64, width: 80 });
    const data = { kind: "coco", folder, train: "few", val: "few" } as const;
    const { val } = await openDetectionData(data, sceneDetectors[0]!.scales.smoke, () => {});
    const found = await annotatedPictures(val, [3, 1]);
    for (const [i, image] of [val.images[3]!, val.images[1]!].entries()) {
      assertEquals(found[i]!.picture, await readCocoPicture(val, image));
      const expected = annotationsOf(val, image).map((annotation) => ({
        name: val.categories.find(({ id }) => id === annotation.categoryId)!.name,
        box: annotation.box,
        mask: maskOf(annotation, image),
      }));
      assertEquals(found[i]!.objects, expected);
    }
    await assertRejects(() => annotatedPictures(val, [4]), RangeError, "image 4 of");
  }));
