/** The verb `transferPictures`: some test images of each set, to look at. */
import { centerCrops, type ImageSet } from "lib/datasets/mod.ts";
import { openTransferData, type TransferName } from "./transfer_data.ts";

/** Images in rows: one row for each set. */
export interface TransferPictures {
  /** All images, row by row, of one size. */
  readonly images: ImageSet;
  /** Images in a row. */
  readonly columns: number;
  /** The class of each image; of an image with several, the name of its set. */
  readonly captions: readonly string[];
}

/**
 * Reads test images, evenly spread over each set.
 *
 * @param options.columns Images of each set. By default 12.
 * @param options.size Pixels a side. By default 48.
 * @throws {Error} If a set's files are missing, for the reasons of `transfer`, or a set has fewer.
 *
 * @example
 * ```ts
 * import { transferPictures } from "lib/experiments/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const { images, captions } = await transferPictures(["digits", "fonts"], { columns: 3 });
 * assertEquals([images.width, captions.length], [48, 6]);
 * ```
 */
export async function transferPictures(
  sets: readonly TransferName[],
  { columns = 12, size = 48 }: { readonly columns?: number; readonly size?: number } = {},
): Promise<TransferPictures> {
  const counts = { trainCount: columns, testCount: columns };
  const rows: ImageSet[] = [];
  for (const set of sets) {
    const { test } = await openTransferData(set, { size, ...counts });
    const crops = centerCrops(test, { size, shortSide: size, resizeAll: true, batchSize: columns });
    for await (const row of crops) rows.push({ ...row, name: set });
  }
  const short = rows.find(({ labels }) => labels.length < columns);
  if (short !== undefined) {
    throw new RangeError(`Cannot show ${columns} images of "${short.name}": it has fewer`);
  }
  const area = size * size * 3 * columns;
  const pixels = new Uint8Array(rows.length * area);
  rows.forEach((row, i) => pixels.set(row.pixels, i * area));
  const captions = rows.flatMap(({ name, labels, classNames }) =>
    Array.from(labels, (label) => classNames[label] ?? name)
  );
  const images = {
    ...{ name: "transfer sets", width: size, height: size, pixels, classNames: [] },
    labels: new Int32Array(rows.length * columns).fill(-1),
    ids: rows.flatMap(({ name, ids }) => ids.map((id) => `${name}/${id}`)),
  };
  return { images, columns, captions };
}
