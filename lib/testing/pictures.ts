/** Pictures and folders for tests. */
import { dirname } from "@std/path";
import sharp from "sharp";
import { idOf } from "lib/datasets/pictures/stored_images.ts";
import type { TransferParts } from "lib/datasets/transfer/transfer_types.ts";
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

/** Writes files below a folder: texts and bytes as given. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<void> {
  for (const [path, contents] of Object.entries(files)) {
    await Deno.mkdir(dirname(`${folder}/${path}`), { recursive: true });
    await Deno.writeFile(
      `${folder}/${path}`,
      typeof contents === "string" ? new TextEncoder().encode(contents) : contents,
    );
  }
}

/** Files of pictures that nobody decodes: each holds its own path. */
export function pictureFiles(paths: readonly string[]): Record<string, string> {
  return Object.fromEntries(paths.map((path) => [path, path]));
}

/** Each part's pictures as `id: class name`. */
export function listingOf(parts: TransferParts): Record<string, readonly string[]> {
  const { train, val, test } = parts;
  const sources = { train, ...(val && { val }), test };
  return Object.fromEntries(
    Object.entries(sources).map(([part, source]) => [
      part,
      Array.from(source.labels, (label, i) => {
        return `${idOf(source, i)}: ${source.classNames[label] ?? "unlabelled"}`;
      }),
    ]),
  );
}
