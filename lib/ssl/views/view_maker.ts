/**
 * Makes the views of batches, image by image. Several makers, each in its thread, can share the
 * work on one batch.
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

/** One batch to make. Its arrays are shared by all who make it. */
export interface ViewJob {
  readonly indices: Uint32Array;
  readonly step: number;
  /** Where the views go. */
  readonly out: CropBatch;
  /** `[1]`: how many images have been taken on. Whoever adds one makes that image. */
  readonly claims: Int32Array;
}

/** What a maker did of a job. */
export interface MadeViews {
  /** Pictures that others stand in for. */
  readonly damaged: readonly Damage[];
  /** Why the batch cannot be made, and at which of its images that showed. */
  readonly failure?: { readonly position: number; readonly error: Error };
}

export interface ViewMaker extends Disposable {
  /** Makes images of the batch until all are taken on. One job at a time. */
  make(job: ViewJob): Promise<MadeViews>;
}

export interface ViewMakerOptions {
  readonly source: CropSource | StoredImages;
  readonly recipe: CropRecipe;
  /**
   * The stream of all crops; step `s` draws from its fork `s`, and the image at place `p` of the
   * batch from that one's `p`.
   */
  readonly rng: Rng;
  /** See {@linkcode decodeShrunk}. */
  readonly shrinkOnLoad: boolean;
}

type Ready = PictureViews & { readonly damaged: readonly Damage[] };

/** A maker of a source's views. While it crops one picture, the next is read and decoded. */
export function createViewMaker(options: ViewMakerOptions): ViewMaker {
  const { recipe, rng } = options;
  const values = normalizeTable(recipe.stats);
  const images = openImages(options);
  return {
    async make({ indices, step, out, claims }) {
      const stream = rng.fork(step);
      const damaged: Damage[] = [];
      const take = () => {
        const position = Atomics.add(claims, 0, 1);
        if (position >= indices.length) return undefined;
        const ready = images.get(indices[position]!, stream.fork(position));
        ready.catch(() => {}); // it is heard when its turn comes
        return { position, ready };
      };
      for (let taken = take(); taken !== undefined;) {
        const { position, ready } = taken;
        try {
          const { image, views, damaged: found } = await ready;
          taken = take();
          damaged.push(...found);
          multiCrop(image, views, recipe, out, position, values);
        } catch (error) {
          Atomics.store(claims, 0, indices.length); // nobody need go on; what was taken on before is finished
          return { damaged, failure: { position, error: error as Error } };
        }
      }
      return { damaged };
    },
    [Symbol.dispose]: () => images[Symbol.dispose](),
  };
}

interface Images extends Disposable {
  /** @param rng The image's own. */
  get(index: number, rng: Rng): Promise<Ready>;
}

function openImages({ source, recipe, shrinkOnLoad }: ViewMakerOptions): Images {
  if ("pixels" in source) {
    return {
      // deno-lint-ignore require-await -- so that what it throws comes as from pictures in files
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
