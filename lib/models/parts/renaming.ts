/**
 * Two libraries' names of the same weights, as pairs of patterns that are read in both directions.
 * In a pattern `#` stands for a number and a `*` at the end for the rest of the name:
 * `["stages.#.#.*", "encoder.stages.#.layers.#.*"]`.
 */

/**
 * Ours, then theirs. Several of theirs are equal parts of one weight of ours, along the first axis
 * in PyTorch's order: the queries, keys and values of an attention.
 */
export type NamePair = readonly [ours: string, theirs: string | readonly string[]];

/**
 * How a name is put into its place among parts: `qkv.weight[0:3]` is the first third of
 * `qkv.weight`.
 */
export function partOf(name: string, part: number, parts: number): string {
  return parts === 1 ? name : `${name}[${part}:${parts}]`;
}

/** A name as {@linkcode partOf} writes it, taken apart. */
export function partIn(name: string): { whole: string; part: number; parts: number } {
  const [, whole, part, parts] = /^(.*)\[(\d+):(\d+)\]$/.exec(name) ?? [];
  return whole === undefined
    ? { whole: name, part: 0, parts: 1 }
    : { whole, part: Number(part), parts: Number(parts) };
}

/**
 * Our name of each of theirs; of a part, with its place. A name that no pattern knows keeps its
 * own.
 */
export function toOurs(pairs: readonly NamePair[]): (theirs: string) => string {
  const rules = pairs.flatMap(([ours, theirs]) => {
    const all = [theirs].flat();
    return all.map((pattern, i) => [matcher(pattern), partOf(ours, i, all.length)] as const);
  });
  return (name) => {
    const rule = rules.find(([pattern]) => pattern.test(name));
    return rule ? filled(rule[1], rule[0].exec(name)!) : name;
  };
}

/**
 * Their names of each of ours: one, or those of its parts. `undefined` for a name that no pattern
 * knows.
 */
export function toTheirs(
  pairs: readonly NamePair[],
): (ours: string) => readonly string[] | undefined {
  const rules = pairs.map(([ours, theirs]) => [matcher(ours), [theirs].flat()] as const);
  return (name) => {
    const rule = rules.find(([pattern]) => pattern.test(name));
    return rule?.[1].map((pattern) => filled(pattern, rule[0].exec(name)!));
  };
}

function matcher(pattern: string): RegExp {
  const source = pattern.replaceAll(".", "\\.").replaceAll("#", "(\\d+)").replace(/\*$/, "(.+)");
  return new RegExp(`^${source}$`);
}

function filled(pattern: string, [, ...found]: RegExpExecArray): string {
  let next = 0;
  return pattern.replace(/[#*]/g, () => found[next++]!);
}

/**
 * Stages, or layers, of the deepest network: pairs whose numbers differ are written out for each.
 */
const maxStages = 8;

/** The pairs of every stage, from its number: 0, 1, …. */
export function ofEachStage(pairs: (stage: number) => readonly NamePair[]): NamePair[] {
  return Array.from({ length: maxStages }, (_, stage) => pairs(stage)).flat();
}

/** Hugging Face's names; beside a classifier, those of the backbone are within a module. */
export function withPrefix(
  prefix: string,
  namesOf: (ours: string) => readonly string[] | undefined,
  head: boolean,
): (ours: string) => readonly string[] {
  return (ours) => {
    const inside = head && !/^(?:head|fc)\./.test(ours);
    return namesOf(ours)!.map((name) => inside ? prefix + name : name);
  };
}
