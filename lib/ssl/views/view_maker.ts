/**
 * Makes the views of batches, image by image. Several makers, each in a thread of its own, can
 * share the work on one batch.
 */
import { normalizeTable } from "lib/augment/mod.ts";
import { type Damage, openPictures } from "lib/datasets/pictures/picture_reader.ts";
import { decoderOf, type StoredImages } from "lib/datasets/pictures/stored_images.ts";
import type { Rng } from "lib/rng.ts";
import { type CropBatch, multiCrop } from "./batch.ts";
import type { CropRecipe } from "./crop_recipe.ts";
import { type CropSource, imageOf } from "./crop_source.ts";
import { sampleViews } from "./sample.ts";
import { decodeShrunk, type PictureViews } from "./shrink.ts";

/** One batch to make. The makers that work on it share its arrays. */
export interface ViewJob {
  readonly indices: Uint32Array;
  readonly step: number;
  /** The batch that the views are written to. */
  readonly out: CropBatch;
  /**
   * `[1]`, the number of images that makers have begun. A maker that raises it from `p` to `p + 1`
   * makes the image at place `p`.
   */
  readonly claims: Int32Array;
}

/** The result of one maker's part of a job. */
export interface MadeViews {
  /** Pictures that could not be decoded and were replaced by others. */
  readonly damaged: readonly Damage[];
  /** Why the batch cannot be made, and the place of the image that failed. */
  readonly failure?: { readonly position: number; readonly error: Error };
}

export interface ViewMaker extends Disposable {
  /** Makes images of the batch until makers have begun all. It takes one job at a time. */
  make(job: ViewJob): Promise<MadeViews>;
}

export interface ViewMakerOptions {
  readonly source: CropSource | StoredImages;
  readonly recipe: CropRecipe;
  /**
   * The random stream of all crops. The image at place `p` of the batch of step `s` uses the fork
   * `p` of its fork `s`.
   */
  readonly rng: Rng;
  /** See {@linkcode decodeShrunk}. */
  readonly shrinkOnLoad: boolean;
  /**
   * The places of a batch's images in the whole batch, if several processes share it. By default,
   * 0, 1, 2, …
   */
  readonly places?: Uint32Array;
}

type Ready = PictureViews & { readonly damaged: readonly Damage[] };

/** Creates a maker for a set. While it crops one picture, the next one is read and decoded. */
export function createViewMaker(options: ViewMakerOptions): ViewMaker {
  const { recipe, rng, places } = options;
  const values = normalizeTable(recipe.stats);
  const images = openImages(options);
  return {
    async make({ indices, step, out, claims }) {
      const stream = rng.fork(step);
      const damaged: Damage[] = [];
      const take = () => {
        const position = Atomics.add(claims, 0, 1);
        if (position >= indices.length) return undefined;
        const ready = images.get(indices[position]!, stream.fork(places?.[position] ?? position));
        ready.catch(() => {}); // the error is thrown when the image is awaited
        return { position, ready };
      };
      for (let claim = take(); claim !== undefined;) {
        const { position, ready } = claim;
        try {
          const { image, views, damaged: replaced } = await ready;
          claim = take();
          damaged.push(...replaced);
          multiCrop(image, views, recipe, out, position, values);
        } catch (error) {
          // No maker begins another image; those that were begun before are finished.
          Atomics.store(claims, 0, indices.length);
          return { damaged, failure: { position, error: error as Error } };
        }
      }
      return { damaged };
    },
    [Symbol.dispose]: () => images[Symbol.dispose](),
  };
}

interface Images extends Disposable {
  /** @param rng The image's own random stream. */
  get(index: number, rng: Rng): Promise<Ready>;
}

function openImages({ source, recipe, shrinkOnLoad }: ViewMakerOptions): Images {
  if ("pixels" in source) {
    return {
      // deno-lint-ignore require-await -- errors must be rejections, as for pictures in files
      async get(index, rng) {
        const image = imageOf(source, index);
        return { image, views: sampleViews(rng, recipe, image), damaged: [] };
      },
      [Symbol.dispose]() {},
    };
  }
  const [pictures, decode] = [openPictures(source), decoderOf(source)];
  return {
    async get(index, rng) {
      const draw = (size: { width: number; height: number }) => sampleViews(rng, recipe, size);
      const { picture, damaged } = await pictures.read(index, async (bytes) => {
        if (shrinkOnLoad && !source.upright) return await decodeShrunk(bytes, recipe, draw);
        const image = await decode(bytes);
        return { image, views: draw(image) };
      });
      return { ...picture, damaged };
    },
    [Symbol.dispose]: () => pictures[Symbol.dispose](),
  };
}
