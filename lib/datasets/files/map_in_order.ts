/** Works on many things, a few at a time. */

/** The results of `f` in the order of the items, `atOnce` of which are worked on at a time. */
export async function mapInOrder<T, R>(
  items: readonly T[],
  atOnce: number,
  f: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await f(items[i]!);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
