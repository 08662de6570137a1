/** Reads and decodes the pictures of a stored set, and replaces damaged ones. */
import { decodeOrReason } from "./damage_reason.ts";
import { imageCount } from "./images.ts";
import { openStored, type StoredImages } from "./stored_images.ts";
import { stringAt } from "./string_table.ts";

/** A picture that could not be decoded. */
export interface Damage {
  readonly index: number;
  /** What the decoder says. */
  readonly reason: string;
}

export interface DecodedPicture<T> {
  /** The decoded picture. */
  readonly picture: T;
  /** Number of the picture in the set: the one asked for, or the first good one after it. */
  readonly index: number;
  /** The damaged pictures between the one asked for and this one. */
  readonly damaged: readonly Damage[];
}

/** Reads pictures by number, as many at a time as are asked for. */
export interface PictureReader extends Disposable {
  /**
   * Reads and decodes a picture. A damaged one is replaced by the next whole one in the set (the
   * last is followed by the first), which is the same one every time.
   *
   * @param decode If it throws, the picture is damaged.
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
  /**
   * Share of the set's pictures that may be damaged before it stops, 0 to 1. By default what the
   * set says.
   */
  readonly maxBadFraction?: number;
  /** Gets a line for each damaged picture, once. By default it is printed. */
  readonly log?: (line: string) => void;
}

/** Counts the damaged pictures of a set. */
export interface DamageLedger {
  /** The damaged pictures so far, in the order in which they were read. */
  readonly damaged: readonly Damage[];
  /**
   * Adds damaged pictures. @throws {Error} If there are too many now; the message says what to do.
   */
  note(found: readonly Damage[]): void;
}

/**
 * Opens a ledger of a set's damaged pictures.
 *
 * @throws {RangeError} If the share is not between 0 and 1.
 */
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
