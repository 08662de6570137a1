/** Nearest images by several ways of comparing, one at a time. */
import type { NearestImages } from "lib/experiments/mod.ts";
import { imageGridPng } from "lib/report/draw/image_grid.ts";
import type { SliderFrame } from "./slider.ts";

/**
 * Grids of nearest images, for `slider`: green marks images of the query's class.
 *
 * @param ways What `nearestImages` found, by the name of what it compared.
 */
export async function neighbourFrames(
  ways: Readonly<Record<string, NearestImages>>,
): Promise<SliderFrame[]> {
  const frames = Object.entries(ways).map(async ([at, { images, columns, sameClass }]) => {
    const rows = sameClass.length / columns;
    const same = sameClass.filter((same) => same).length - rows; // the queries are marked too
    return {
      at,
      picture: await imageGridPng(images, { columns, sameClass, palette: true }),
      says: `${same} of ${sameClass.length - rows} have the class of the image they are near to`,
    };
  });
  return await Promise.all(frames);
}
