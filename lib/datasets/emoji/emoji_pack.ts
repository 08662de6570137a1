/** A file with all emoji, rasterised once: a line of JSON, then each drawing deflated. */
import { basename, dirname } from "@std/path";
import { deflateSync, inflateSync } from "node:zlib";
import sharp from "sharp";
import { absolutePath } from "lib/paths.ts";
import { dataFolder, exists, writeAtomically } from "lib/datasets/files/data_folder.ts";
import {
  type CatalogueEntry,
  emojiCatalogue,
  emojiPackages,
  type EmojiStyle,
  emojiStyles,
  emojiSvg,
} from "./catalogue.ts";
import { distinctIdentities } from "./distinct_identities.ts";
import { type EmojiRasters, rasterise } from "./rasterize.ts";

/** The rasters, with the order of the most distinct identities, which is computed from them. */
export interface EmojiPack extends EmojiRasters {
  /** Indices of identities in the order of {@linkcode distinctIdentities}. */
  readonly distinct: readonly number[];
}

/** A function that is called now and then while drawings are rasterised. */
export type PackProgress = (done: number, total: number) => void;

/** The JSON line. */
interface Header extends Omit<EmojiPack, "raster"> {
  readonly madeFrom: string;
  /** The end of each deflated drawing, in bytes after the line. */
  readonly ends: readonly number[];
}

const format = 1; // raise it when a pack's bytes change for another reason than its packages

/**
 * The pack of a raster size, made first if `folder` lacks it (half a minute at 128 pixels on two
 * cores).
 *
 * @param size S, the side of each raster in pixels; twice the image to be made is enough.
 * @throws {RangeError} If `size` is not a power of two from 16 to 1024.
 */
export async function openEmojiPack(
  size: number,
  { folder = dataFolder("emoji"), onProgress }: {
    readonly folder?: string;
    readonly onProgress?: PackProgress;
  } = {},
): Promise<EmojiPack> {
  if (!(size >= 16 && size <= 1024 && Number.isInteger(Math.log2(size)))) {
    throw new RangeError(
      `Cannot rasterise emoji: need a power of two from 16 to 1024 pixels, current size is ${size}`,
    );
  }
  const path = await packPath(folder, size);
  if (!await exists(path)) {
    await writeAtomically(path, await makePack(emojiCatalogue(), size, onProgress));
    await removeOthers(path, size);
  }
  return parsePack(await Deno.readFile(path), path);
}

/** Whether {@linkcode openEmojiPack} will find the pack made. */
export async function hasEmojiPack(size: number, folder = dataFolder("emoji")): Promise<boolean> {
  return await exists(await packPath(folder, size));
}

/** Everything that the bytes of a pack depend on, besides its size. */
function madeFrom(): string {
  return `format ${format}, librsvg ${sharp.versions.rsvg}, ${emojiPackages()}`;
}

async function packPath(folder: string, size: number): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(madeFrom()));
  return `${absolutePath(folder)}/${size}px-${new Uint8Array(hash).toHex().slice(0, 8)}.pack`;
}

/** Rasterises the entries into the parts of a pack file. */
export async function makePack(
  entries: readonly CatalogueEntry[],
  size: number,
  onProgress: PackProgress = () => {},
): Promise<Uint8Array[]> {
  const all = entries.flatMap((entry, identity) =>
    emojiStyles.flatMap((style) => {
      const icon = entry.icons[style];
      return icon === undefined ? [] : [{ style, identity, icon }];
    })
  );
  const rasters = await rasteriseAll(all, size, onProgress);
  const kept = withoutTwins(all, rasters);
  const deflated = kept.map((i) => rasters[i]!);
  const contents: EmojiRasters = {
    size,
    identities: entries.map(({ icons: _, ...identity }) => identity),
    drawings: kept.map((i) => ({ style: all[i]!.style, identity: all[i]!.identity })),
    raster: (index) => inflateSync(deflated[index]!),
  };
  let end = 0;
  const header: Header = {
    madeFrom: madeFrom(),
    size,
    identities: contents.identities,
    drawings: contents.drawings,
    distinct: distinctIdentities(contents),
    ends: deflated.map(({ length }) => end += length),
  };
  return [new TextEncoder().encode(JSON.stringify(header) + "\n"), ...deflated];
}

/**
 * The deflated raster of each drawing, four at a time: sharp works outside the JavaScript thread.
 */
async function rasteriseAll(
  drawings: readonly { readonly style: EmojiStyle; readonly icon: string }[],
  size: number,
  onProgress: PackProgress,
): Promise<Uint8Array[]> {
  const rasters: Uint8Array[] = Array(drawings.length);
  let [next, done] = [0, 0];
  const worker = async () => {
    for (let i = next++; i < drawings.length; i = next++) {
      const { style, icon } = drawings[i]!;
      rasters[i] = deflateSync(await rasterise(emojiSvg(style, icon), size), { level: 4 });
      if (++done % 500 === 0 || done === drawings.length) onProgress(done, drawings.length);
    }
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
  return rasters;
}

/**
 * Indices of the drawings, less those that equal an earlier one of the same identity: they would
 * leak across splits.
 */
function withoutTwins(
  drawings: readonly { readonly identity: number }[],
  rasters: readonly Uint8Array[],
): number[] {
  const seen = new Set<string>();
  return drawings.flatMap(({ identity }, i) => {
    const key = `${identity} ${rasters[i]!.toBase64()}`;
    return seen.has(key) ? [] : (seen.add(key), [i]);
  });
}

function parsePack(file: Uint8Array, path: string): EmojiPack {
  const line = file.indexOf(10);
  const header: Header = JSON.parse(new TextDecoder().decode(file.subarray(0, line)));
  const { size, identities, drawings, distinct, ends } = header;
  if (file.length !== line + 1 + (ends.at(-1) ?? 0)) {
    throw new Error(`Cannot read ${path}: it is cut short; delete it, the next call makes it anew`);
  }
  return {
    size,
    identities,
    drawings,
    distinct,
    raster(index) {
      if (!(index in drawings)) {
        throw new RangeError(`Cannot take drawing ${index}: there are ${drawings.length}`);
      }
      const start = line + 1 + (ends[index - 1] ?? 0);
      return inflateSync(file.subarray(start, line + 1 + ends[index]!));
    },
  };
}

/** Removes packs of the same size made from other packages. */
async function removeOthers(path: string, size: number): Promise<void> {
  for (const { name } of [...Deno.readDirSync(dirname(path))]) {
    const old = name.startsWith(`${size}px-`) && name.endsWith(".pack") && name !== basename(path);
    if (old) await Deno.remove(`${dirname(path)}/${name}`);
  }
}
