/** Likeness to a patch that the reader chooses, for every patch of some pictures. */
import { type ShortPatches, shortPatches } from "lib/explain/mod.ts";
import { colourMap } from "lib/report/draw/colour_maps.ts";
import { escapeText } from "lib/report/draw/text.ts";
import { imageOf, partOutput } from "lib/report/interactive/part.ts";
import { show } from "lib/report/notebook/jupyter.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import {
  type PatchPlace,
  type PatchSheet,
  similaritySheet,
} from "lib/report/sheets/patch_sheet.ts";
import { layOut, pictureSheetPng } from "lib/report/sheets/picture_sheet.ts";

/** Largest number of principal components of a network that stand in the output. */
const components = 64;

/**
 * Shows the sheet of `patchSimilarityPng`, in which the reader chooses the patch: by a click on any
 * picture, or by the arrow keys and Enter. All networks then compare with the patch at that place,
 * and each patch says its cosine under the pointer. The output needs no kernel, so it works in an
 * exported page.
 *
 * Approximate: the output has up to 64 principal components of each network's patches, in bytes (see
 * `shortPatches`), and says how much of the patches' variance they hold. In `07b_look_inside` at
 * laptop scale that is 98.9 % or more; there the cosines of a network are off by 0.005 on average or
 * less, and by 0.05 at most. The picture that stands there where no script may run is exact.
 *
 * @param at The patch that is chosen at first.
 * @throws {RangeError} If there is no picture of that number, no network, the place is outside, a
 *   feature is not finite, or the output would have more than 1 MB, as it has with 12,000 patches of
 *   64 channels.
 *
 * @example
 * ```ts
 * import { similarPatches } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const images = {
 *   ...{ name: "one", height: 2, width: 2, pixels: new Uint8Array(12), ids: ["a"] },
 *   ...{ labels: Int32Array.of(0), classNames: ["any"] },
 * };
 * const features = {
 *   ...{ images: 1, height: 2, width: 2, channels: 2 },
 *   values: Float32Array.of(1, 0, 1, 0, 0, 1, 0, 1), // the rows differ
 * };
 * const maps = [{ name: "a network", layer: "last map", features }];
 * await similarPatches({ images, blocks: [{ title: "last map", maps }] }, { image: 0, y: 0, x: 0 });
 * assertEquals(maps.length, 1);
 * ```
 */
export async function similarPatches(sheet: PatchSheet, at: PatchPlace): Promise<void> {
  await show(await similarPatchesOutput(sheet, at));
}

/** The output of {@linkcode similarPatches}. @throws As it does. */
export async function similarPatchesOutput(
  sheet: PatchSheet,
  at: PatchPlace,
): Promise<DisplayData> {
  const drawn = similaritySheet(sheet, at);
  const png = await pictureSheetPng(drawn);
  const { width, height, at: corner } = layOut(drawn);
  const images = sheet.images.ids.length;
  const columns = sheet.blocks.flatMap((_, block) =>
    Array.from({ length: images }, (_, i) => corner(0, block, i)[0])
  );
  const reduced = sheet.blocks.map(({ maps }) =>
    maps.map(({ features }) => shortPatches(features, components))
  );
  const words = `Each patch's cosine with the framed one, of picture ${at.image + 1}. `;
  return partOutput({
    kind: "patches",
    body: `<div class="sheet">${imageOf(`data:image/png;base64,${png.toBase64()}`, words)}</div>` +
      `<p class="said" role="status">${escapeText(words)}</p>` +
      `<p class="said">${escapeText(noteOf(reduced.flat()))}</p>`,
    data: {
      ...{ size: [width, height], cell: drawn.cell, images, at },
      columns,
      rows: drawn.rows.map(({ name }, row) => ({ name, top: corner(row, 0, 0)[1] })),
      blocks: sheet.blocks.map(({ maps }, block) =>
        maps.map(({ features }, i) => ({
          ...{ height: features.height, width: features.width, dim: reduced[block]![i]!.dim },
          vectors: new Uint8Array(reduced[block]![i]!.vectors.buffer).toBase64(),
        }))
      ),
      colours: Uint8Array.from(colourMap("rdbu_r").flat()).toBase64(),
    },
    text: `${words}${sheet.blocks[0]!.maps.map(({ name }) => name).join(", ")}`,
  });
}

/** How much of the features stands in the output. */
function noteOf(reduced: readonly ShortPatches[]): string {
  const share = Math.min(...reduced.map(({ share }) => share));
  const most = Math.max(...reduced.map(({ dim }) => dim));
  return `Cosines are of up to ${most} principal components of each network's patches, which hold ` +
    `${Math.floor(1000 * share + 1e-6) / 10} % of the variance or more.`;
}
