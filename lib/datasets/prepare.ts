/** Makes the data that the notebooks need present; what `deno task setup` calls. */
import { rasterSize } from "lib/datasets/emoji.ts";
import { openEmojiPack } from "lib/datasets/emoji_pack.ts";
import { fetchFashionMnist } from "lib/datasets/fashion_mnist_files.ts";

const notebookSize = 64; // pixels a side of the largest emoji the notebooks draw

/**
 * Fetches Fashion-MNIST and rasterises the emoji, where they are missing. What is there already is left alone, so a
 * second call takes a second.
 *
 * A data set that cannot be had is said in one line with the way to get it by hand; the others go on.
 */
export async function prepareData(log: (line: string) => void): Promise<void> {
  const sources = {
    "Fashion-MNIST": () => fetchFashionMnist(log),
    emoji: () => rasteriseEmoji(log),
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
  let said = 0; // in tenths
  const onProgress = (done: number, total: number) => {
    if (Math.floor(10 * done / total) === said) return;
    said = Math.floor(10 * done / total);
    log(`emoji: ${done} of ${total} drawings rasterised`);
  };
  const pack = await openEmojiPack(rasterSize(notebookSize), { onProgress });
  return `${pack.drawings.length} drawings of ${pack.identities.length} emoji`;
}
