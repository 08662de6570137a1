/** Similarity of images, sorted by class, as matrices beside each other. */
import type { ImageFeatures, ImageSet } from "lib/experiments/mod.ts";
import { classSimilarity } from "lib/explain/mod.ts";
import { signedImage } from "lib/report/draw/coloured_map.ts";
import { colourMap } from "lib/report/draw/colour_maps.ts";
import { colourLegend, pictureSheetPng } from "lib/report/sheets/picture_sheet.ts";

/**
 * Draws the cosines of all pairs of images as the bytes of a PNG, a matrix for each network. Rows and
 * columns are the images, class by class: a network that finds the images of a class alike has red
 * squares along the diagonal. Above stand the names of the classes in their order. The mean of all
 * features is subtracted first.
 *
 * @throws {RangeError} If there is no network, or the images do not have two classes.
 */
export async function classSimilarityPng(
  features: readonly ImageFeatures[],
  { labels, classNames }: Pick<ImageSet, "labels" | "classNames">,
): Promise<Uint8Array> {
  const { length: count } = labels;
  const pictures = features.map(({ name, values }) => {
    const { cosines } = classSimilarity(values, labels);
    return {
      image: signedImage(cosines, { height: count, width: count }, { most: 1 }),
      caption: name,
    };
  });
  const enlarged = Math.max(1, Math.round(260 / count)) * count;
  return await pictureSheetPng({
    titles: [namesOf([...labels], classNames).join(", ")],
    rows: [{ name: "", blocks: [pictures] }],
    cell: [enlarged, enlarged],
    squares: true,
    legend: colourLegend(colourMap("rdbu_r"), "−1", "1"),
  });
}

/** Names of the classes in the order of the rows. */
function namesOf(labels: readonly number[], classNames: readonly string[]): string[] {
  const classes = [...new Set(labels)].sort((a, b) => a - b);
  return classes.map((label) => classNames[label] ?? `class ${label}`);
}

/** Mean cosine within classes and between them, a row for each network. */
export function classSimilarityTable(
  features: readonly ImageFeatures[],
  { labels }: Pick<ImageSet, "labels">,
): Record<string, unknown>[] {
  return features.map(({ name, values }) => {
    const { within, between } = classSimilarity(values, labels);
    return {
      features: name,
      "same class": round(within),
      "different classes": round(between),
      difference: round(within - between),
      images: labels.length,
    };
  });
}

function round(value: number): number {
  return Math.round(1000 * value) / 1000;
}
