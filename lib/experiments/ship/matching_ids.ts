/**
 * The ids that match one of the patterns, in their order.
 *
 * @param patterns Ids; `*` stands for any letters.
 * @param folder Where the runs are, for the message.
 * @throws {RangeError} If nothing matches one of the patterns.
 */
export function matchingIds(
  ids: readonly string[],
  patterns: readonly string[],
  folder: string,
): string[] {
  const tests = patterns.map((pattern) =>
    new RegExp(`^${pattern.split("*").map(RegExp.escape).join(".*")}$`)
  );
  const useless = tests.findIndex((test) => !ids.some((id) => test.test(id)));
  if (useless >= 0) {
    throw new RangeError(
      `Cannot ship "${patterns[useless]}": no such run in ${folder}; there are ${
        ids.join(", ") || "none"
      }`,
    );
  }
  return ids.filter((id) => tests.some((test) => test.test(id)));
}
