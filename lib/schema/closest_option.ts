/** Guesses which option a person meant by an unknown one. */
import { distance } from "fastest-levenshtein";

/**
 * The option that is most similar to a misspelt one: one of the two begins with the other, or only
 * a few letters differ.
 *
 * @returns `undefined` if no option is similar.
 */
export function closestOption(word: string, options: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const begins = options.find((option) => startsAlike(option.toLowerCase(), lower));
  if (begins !== undefined) return begins;
  const most = Math.max(1, Math.floor(word.length / 3));
  return options
    .map((option) => ({ option, letters: distance(option.toLowerCase(), lower) }))
    .filter(({ letters }) => letters <= most)
    .sort((a, b) => a.letters - b.letters)[0]?.option;
}

function startsAlike(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= 3 && (a.startsWith(b) || b.startsWith(a));
}
