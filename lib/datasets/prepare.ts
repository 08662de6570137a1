/** Makes the data that the notebooks need present; what `deno task setup` calls. */
import { openScenes } from "lib/datasets/coco/scenes.ts";
import { rasterSize } from "lib/datasets/emoji/emoji_drawings.ts";
import { openEmojiPack, type PackProgress } from "lib/datasets/emoji/emoji_pack.ts";
import { fetchFashionMnist } from "lib/datasets/small_sets/fashion_mnist_files.ts";

/** Pixels a side of the emoji in notebooks: up to 64 in the first ones, 80 in the comparisons. */
const notebookSizes = [64, 80] as const;

/**
 * Fetches Fashion-MNIST, rasterises the emoji and composes their scenes, where they are missing.
 * What is there already is left alone, so a second call takes a second.
 *
 * A data set that cannot be had is said in one line with the way to get it by hand; the others go
 * on.
 */
export async function prepareData(log: (line: string) => void): Promise<void> {
  const sources = {
    "Fashion-MNIST": () => fetchFashionMnist(log),
    emoji: () => rasteriseEmoji(log),
    scenes: () => makeScenes(log),
  };
  for (const [name, get] of Object.entries(sources)) {
    try {
      log(`${name}: ${await get()}`);
    } catch (error) {
      log((error as Error).message);
    }
  }
}

async function rasteriseEmoji(log: (line: string) => void): Promise<string> {
  const counts = [];
  for (const side of notebookSizes.map(rasterSize)) {
    const onProgress = inTenths((done, total) =>
      log(`emoji: ${done} of ${total} drawings rasterised at ${side} pixels`)
    );
    const pack = await openEmojiPack(side, { onProgress });
    counts.push(`${pack.drawings.length} drawings of ${pack.identities.length} emoji at ${side}`);
  }
  return `${counts.join(", ")} pixels`;
}

async function makeScenes(log: (line: string) => void): Promise<string> {
  const onProgress = inTenths((done, total) => log(`scenes: ${done} of ${total} composed`));
  const { train, val } = await openScenes({}, { onProgress });
  return `${train.images.length} for training, ${val.images.length} for validation`;
}

/** Passes progress on about ten times. */
function inTenths(say: PackProgress): PackProgress {
  let said = 0;
  return (done, total) => {
    if (Math.floor(10 * done / total) === said) return;
    said = Math.floor(10 * done / total);
    say(done, total);
  };
}
