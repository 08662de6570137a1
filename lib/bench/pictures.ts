/** Makes the pictures for the cases that need some: augmentation and corruptions. */
import sharp from "sharp";
import { createRng } from "lib/rng.ts";
import type { BenchCase } from "./cases.ts";

/** Adds pictures to a case of augmentation or corruption; returns any other case unchanged. */
export async function withPictures(subject: BenchCase): Promise<BenchCase> {
  if (subject.kind !== "augment" && subject.kind !== "corruption") return subject;
  const { kind, batch, width, height } = subject;
  const seeds = Array.from({ length: kind === "augment" ? batch : 1 }, (_, seed) => seed);
  return { ...subject, pictures: await Promise.all(seeds.map((s) => jpeg(s, width, height))) };
}

/** Draws waves, an edge and some noise: as many bytes as a photograph, and as slow to decode. */
async function jpeg(seed: number, width: number, height: number): Promise<string> {
  const rng = createRng(seed);
  const pixels = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width / width;
    const y = Math.floor(i / 3 / width) / height;
    const wave = 100 * Math.sin((9 + seed) * x + 5 * y + i % 3) + (x > y ? 40 : 0);
    return Math.min(Math.max(110 + wave + rng.normal(0, 8), 0), 255);
  });
  const image = sharp(pixels, { raw: { width, height, channels: 3 } });
  return new Uint8Array(await image.jpeg({ quality: 90 }).toBuffer()).toBase64();
}
