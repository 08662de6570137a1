/** Writes a set as an annotation file in COCO's format. */
import type { CocoAnnotation, CocoSet, Segmentation } from "./coco_set.ts";
import { compressRle } from "./rle_string.ts";

/**
 * Writes the text of an annotation file. Polygons stay polygons; masks are compressed.
 *
 * @param description A description of the set, for the file's `info`.
 */
export function cocoJson(set: CocoSet, description: string): string {
  const list = (items: readonly unknown[]) =>
    `[\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`;
  const images = set.images.map(({ id, fileName, height, width }) => ({
    id,
    file_name: fileName,
    height,
    width,
  }));
  const annotations = set.images.flatMap(({ id }) => set.annotations.get(id) ?? []);
  return `{"info": ${JSON.stringify({ description })},
"images": ${list(images)},
"annotations": ${list(annotations.map(annotationFields))},
"categories": ${list(set.categories)}}
`;
}

function annotationFields(annotation: CocoAnnotation): Record<string, unknown> {
  const { id, imageId, categoryId, box, area, crowd, segmentation } = annotation;
  return {
    id,
    image_id: imageId,
    category_id: categoryId,
    bbox: box,
    area,
    iscrowd: crowd ? 1 : 0,
    segmentation: segmentationField(segmentation),
  };
}

function segmentationField(segmentation: Segmentation): unknown {
  return "counts" in segmentation ? compressRle(segmentation) : segmentation;
}
