/** Decides which drawings are for training and which for a test: for each identity, by style. */
import { type EmojiIdentity, type EmojiStyle, monochromeStyles } from "./catalogue.ts";
import type { Rng } from "lib/rng.ts";

export type Split = "train" | "test" | "held out" | "monochrome";

/**
 * The split of each drawing. An identity has some styles that are neither held out nor monochrome:
 * one of them, drawn at random, is for the test and the others are for training; if there is only
 * one, it is for training.
 *
 * @param rng One stream for each identity is forked from it, so that an emoji added to a package
 *   moves no other.
 */
export function splitOf(
  drawings: readonly { readonly style: EmojiStyle; readonly identity: number }[],
  identities: readonly EmojiIdentity[],
  heldOutStyles: readonly EmojiStyle[],
  rng: Rng,
): Split[] {
  const seen = new Map<number, number[]>();
  const splits = drawings.map(({ style, identity }, i): Split => {
    if ((monochromeStyles as readonly EmojiStyle[]).includes(style)) return "monochrome";
    if (heldOutStyles.includes(style)) return "held out";
    seen.set(identity, [...seen.get(identity) ?? [], i]);
    return "train";
  });
  for (const [identity, ofIt] of seen) {
    if (ofIt.length < 2) continue;
    splits[ofIt[rng.fork(identities[identity]!.hexcode).int(ofIt.length)]!] = "test";
  }
  return splits;
}
