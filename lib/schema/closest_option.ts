/** Guesses which option a person meant by an unknown one. */
import { distance } from "fastest-levenshtein";

/**
 * The option that is most similar to a misspelt one: it begins with the word, only a few letters
 * differ, or the word begins with it.
 *
 * @returns `undefined` if no option is similar.
 */
export function closestOption(word: string, options: readonly string[]): string | undefined {
  const lower = word.toLowerCase();
  const most = Math.max(1, Math.floor(word.length / 3));
  const begins = (longer: string, shorter: string) =>
    shorter.length >= 3 && longer.startsWith(shorter);
  const near = options
    .map((option) => ({ option, letters: distance(option.toLowerCase(), lower) }))
    .filter(({ letters }) => letters <= most)
    .sort((a, b) => a.letters - b.letters);
  return options.find((option) => begins(option.toLowerCase(), lower)) ?? near[0]?.option ??
    options.find((option) => begins(lower, option.toLowerCase()));
}
