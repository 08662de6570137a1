/**
 * Banks of features for evaluations: a network's features, or the pixels themselves, which any
 * network has to beat.
 */
import { join } from "@std/path";
import type * as tf from "lib/tf.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import type { ImageSource } from "lib/datasets/pictures/stored_images.ts";
import type { FeatureBank } from "lib/eval/features/feature_bank.ts";
import type { FeatureReader } from "lib/eval/features/features.ts";
import {
  type FeatureBankOptions,
  helpToRead,
  type OwnedBank,
  readFeatureBank,
} from "lib/eval/features/feature_source.ts";
import type { CropRecipe } from "lib/ssl/views/crop_recipe.ts";
import { outputsFolder } from "lib/experiments/runs/run_folder.ts";

/**
 * Options for reading features; those too many for memory are kept in a file in `outputs/`
 * meanwhile.
 */
export function bankOptions(
  { stats, globalSize }: Pick<CropRecipe, "stats" | "globalSize">,
): FeatureBankOptions {
  const path = join(outputsFolder(), `.features-${crypto.randomUUID()}`);
  return { stats, size: globalSize, path };
}

/** The images of a data set among which neighbours are looked for, and those that are classified. */
export interface SplitSources {
  readonly train: ImageSource;
  readonly test: ImageSource;
}

/** The features of both. Disposing of it removes their files. */
export interface SplitBanks extends Disposable {
  readonly train: FeatureBank;
  readonly test: FeatureBank;
}

/**
 * Reads the features of training and test images.
 *
 * @param world The processes that read together; the others call {@linkcode helpWithBanks}.
 * @param pause Awaited after each batch; what it throws ends the reading, and leaves nothing
 *   behind.
 */
export async function splitBanks(
  read: FeatureReader,
  sources: SplitSources,
  crops: Pick<CropRecipe, "stats" | "globalSize">,
  pause: () => Promise<void>,
  world: World = alone,
): Promise<SplitBanks> {
  using stack = new DisposableStack();
  const options = () => ({ ...bankOptions(crops), world });
  const train = stack.use(await readFeatureBank(read, sources.train, options(), pause));
  const test = stack.use(await readFeatureBank(read, sources.test, options(), pause));
  const banks = stack.move();
  return { train, test, [Symbol.dispose]: () => banks.dispose() };
}

/** Reads this process's part of the features that process 0 reads by {@linkcode splitBanks}. */
export async function helpWithBanks(
  read: FeatureReader,
  { train, test }: SplitSources,
  crops: Pick<CropRecipe, "stats" | "globalSize">,
  world: World,
): Promise<void> {
  const options = { ...bankOptions(crops), world };
  for (const source of [train, test]) await helpToRead(read, source, options);
}

const mostBytes = 16 * 2 ** 30; // of pixels as float32, on disk
const asTheyAre = { mean: [0, 0, 0], std: [1, 1, 1] } as const;

/**
 * Reads the images themselves as features, `[N, H·W·3]` in 0–1; pictures in files are cropped as
 * for an evaluation.
 *
 * @param pause Awaited after each batch; what it throws ends the reading, and leaves nothing
 *   behind.
 * @throws {RangeError} If the images are too many or too large to be features.
 */
export async function pixelBank(
  source: ImageSource,
  { globalSize }: Pick<CropRecipe, "globalSize">,
  pause: () => Promise<void>,
): Promise<OwnedBank> {
  const bytes = 4 * 3 * globalSize ** 2 * imageCount(source);
  if (bytes > mostBytes) {
    throw new RangeError(
      `Cannot take the raw pixels of "${source.name}" for features: they are ` +
        `${Math.round(bytes / 1e9)} GB; choose a smaller scale`,
    );
  }
  const read = (x: tf.Tensor4D) => x.reshape<tf.Tensor2D>([x.shape[0], -1]);
  return await readFeatureBank(read, source, bankOptions({ stats: asTheyAre, globalSize }), pause);
}
