/** Decoded pictures of a stored set, damaged ones replaced. */
import { decodeOrReason } from "./damage_reason.ts";
import { imageCount } from "lib/datasets/pictures/images.ts";
import { openStored, type StoredImages } from "lib/datasets/pictures/stored_images.ts";
import { stringAt } from "lib/datasets/pictures/string_table.ts";

/** A picture that could not be decoded. */
export interface Damage {
  readonly index: number;
  /** What the decoder says. */
  readonly reason: string;
}

export interface DecodedPicture<T> {
  /** What was made of its bytes. */
  readonly picture: T;
  /** Of the picture that was decoded: the one asked for, or the first whole one after it. */
  readonly index: number;
  /** Those before it. */
  readonly damaged: readonly Damage[];
}

/** Reads pictures by number, as many at a time as are asked for. */
export interface PictureReader extends Disposable {
  /**
   * A picture, decoded. For a damaged one, the next in the set that is whole, after the last the first: the same whoever
   * asks and whenever.
   *
   * @param decode What throws here is the picture's fault.
   * @throws {RangeError} If there is no such picture.
   * @throws {Error} If a file is gone, or many damaged ones follow each other.
   */
  read<T extends object>(
    index: number,
    decode: (bytes: Uint8Array) => Promise<T>,
  ): Promise<DecodedPicture<T>>;
}

const mostInARow = 16; // damaged pictures: more is not damage but the wrong files

/** Opens a set for reading. */
export function openPictures(set: StoredImages): PictureReader {
  const files = openStored(set);
  const count = imageCount(set);
  const memory = new Map<number, string>(); // damaged ones are not decoded twice
  return {
    async read(first, decode) {
      if (!(Number.isInteger(first) && first >= 0 && first < count)) {
        throw new RangeError(`Cannot crop image ${first} of "${set.name}": it has ${count} images`);
      }
      const damaged: Damage[] = [];
      for (let index = first; damaged.length < mostInARow; index = (index + 1) % count) {
        const known = memory.get(index);
        const picture = known ?? await decodeOrReason(await files.read(index), decode);
        if (typeof picture !== "string") return { picture, index, damaged };
        memory.set(index, picture);
        damaged.push({ index, reason: picture });
      }
      throw new Error(
        `Cannot use "${set.name}": ${mostInARow} pictures in a row are damaged, from ` +
          `${stringAt(set.ids, first)} on (${damaged[0]!.reason}); are these the right files?`,
      );
    },
    [Symbol.dispose]: () => files[Symbol.dispose](),
  };
}

export interface DamageOptions {
  /** Share of the set's pictures that may be damaged before it stops, 0 to 1. By default what the set says. */
  readonly maxBadFraction?: number;
  /** Told about each damaged picture, once. */
  readonly log?: (line: string) => void;
}

/** Counts a set's damaged pictures. */
export interface DamageLedger {
  /** The damaged pictures found so far, in the order of their finding. */
  readonly damaged: readonly Damage[];
  /** @throws {Error} If there are too many now; the message says what to do. */
  note(found: readonly Damage[]): void;
}

/** @throws {RangeError} If the share is not between 0 and 1. */
export function damageLedger(
  set: StoredImages,
  { maxBadFraction = set.maxBadFraction ?? 0.01, log = console.warn }: DamageOptions,
): DamageLedger {
  if (!(maxBadFraction >= 0 && maxBadFraction <= 1)) {
    throw new RangeError(`Cannot allow a share of ${maxBadFraction} damaged files: need 0 to 1`);
  }
  const seen = new Map<number, Damage>();
  const damaged: Damage[] = [];
  return {
    damaged,
    note(found) {
      for (const damage of found) {
        if (seen.has(damage.index)) continue;
        seen.set(damage.index, damage);
        damaged.push(damage);
        log(
          `Damaged: ${stringAt(set.ids, damage.index)} of "${set.name}" (${damage.reason}); ` +
            "the next picture takes its place",
        );
      }
      const count = imageCount(set);
      if (damaged.length <= maxBadFraction * count) return;
      throw new Error(
        `Cannot go on with "${set.name}": ${damaged.length} of ${count} pictures are damaged, first ` +
          `${stringAt(set.ids, damaged[0]!.index)} (${
            damaged[0]!.reason
          }); mend them, or raise maxBadFraction`,
      );
    },
  };
}
