/** What a person may have meant by an option that there is not. */
import { distance } from "fastest-levenshtein";

/**
 * The option that a misspelt one is most like: it begins with it, or the other way round, or few
 * letters differ.
 *
 * @returns `undefined` if none is like it.
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
