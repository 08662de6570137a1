/** Pictures and folders for tests. */
import sharp from "sharp";
import { createRng } from "lib/rng.ts";

/**
 * Makes a JPEG of waves, an edge and some noise, roughly like a photograph: a different one for
 * each seed.
 */
export async function jpeg(seed: number, width: number, height: number): Promise<Uint8Array> {
  const rng = createRng(seed);
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width / width;
    const y = Math.floor(i / 3 / width) / height;
    const wave = 100 * Math.sin((9 + seed % 7) * x + 5 * y + i % 3) + (x > y ? 40 : 0);
    return Math.min(Math.max(110 + wave + rng.normal(0, 8), 0), 255);
  });
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await image.jpeg({ quality: 90 }).toBuffer());
}

/** Calls `run` with a temporary folder, and removes the folder. */
export async function inTempFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
