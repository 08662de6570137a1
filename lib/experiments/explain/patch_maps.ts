/** The verb `patchMaps`: what networks say of each position of some images. */
import { imageCount, type ImageSet } from "lib/datasets/pictures/images.ts";
import { imageBatch } from "lib/eval/features/features.ts";
import {
  camLayerAt,
  lastPatchFeatures,
  layerPatchFeatures,
  type PatchFeatures,
} from "lib/explain/mod.ts";
import {
  type NetworkToExplain,
  openBackbone,
  type OpenedBackbone,
} from "lib/experiments/explain/explained.ts";

/** Which map is read. */
export interface PatchMapsOptions {
  /**
   * `last`, which is the default: the last map after the last norm, which the pooled features are
   * made of. `deep`: the end of the stage with most blocks, whose map is finer: see `camLayerAt`.
   */
  readonly layer?: "last" | "deep";
}

/** One network's features of all patches of some images. */
export interface PatchMap {
  /** Name of the network, as it was given. */
  readonly name: string;
  /** The layer whose output it is, by its official name; `last map`, after the last norm. */
  readonly layer: string;
  /** The features, in the order of the images. */
  readonly features: PatchFeatures;
}

/**
 * The features of every patch of some images, by several networks. Numbers only.
 *
 * @param images A few, as `loadPictures` or `subset` returns them; they may be larger than those
 *   that the networks were trained on, and then have more patches.
 * @throws {Error} If a run is not there.
 * @throws {RangeError} If there is no image, or an image is too small for the layer to have a map.
 *
 * @example
 * ```ts
 * import { bcSslStart, loadData, patchMaps, sizesAt } from "lib/experiments/mod.ts";
 * import { subset } from "lib/datasets/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const run = { config: bcSslStart, scale: "smoke", seed: 0 } as const;
 * const { test } = await loadData(bcSslStart.data, sizesAt(bcSslStart, "smoke"));
 * const network = { name: "untrained", ...run, of: "init" } as const;
 * const [map] = await patchMaps([network], subset(test, [0, 1]), { layer: "deep" });
 * const { images, height, width } = map!.features;
 * assertEquals([map!.layer, images, height, width], ["stages.0.0", 2, 8, 8]);
 * ```
 */
export async function patchMaps(
  networks: readonly NetworkToExplain[],
  images: ImageSet,
  { layer = "last" }: PatchMapsOptions = {},
): Promise<PatchMap[]> {
  if (imageCount(images) === 0) throw new RangeError("Cannot look at patches: there is no image");
  const maps: PatchMap[] = [];
  for (const network of networks) {
    using opened = await openBackbone(network);
    maps.push({ name: network.name, ...await mapOf(network, opened, images, layer) });
  }
  return maps;
}

async function mapOf(
  { layers: [named] = [] }: NetworkToExplain,
  { model, stats }: OpenedBackbone,
  images: ImageSet,
  layer: "last" | "deep",
): Promise<Omit<PatchMap, "name">> {
  const x = imageBatch(images, 0, imageCount(images), stats);
  try {
    if (layer === "last" && named === undefined) {
      return { layer: "last map", features: await lastPatchFeatures(model, x) };
    }
    const side = Math.min(images.height, images.width);
    const name = named ?? camLayerAt(model.config, side, "deep");
    return { layer: name, features: await layerPatchFeatures(model, x, name) };
  } finally {
    x.dispose();
  }
}
