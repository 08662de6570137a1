/** Where in a checkpoint a network's weights are, and under which names: scripts wrap them in dictionaries and modules. */

/** What gives a file's names their official form: see `Model.officialNames`. */
export type OfficialNames = (names: readonly string[]) => ReadonlyMap<string, string>;

/** The weights of one network in a file. */
export interface FoundNames {
  /** What stands before each of its names in the file: `teacher.backbone.`, or nothing. */
  readonly prefix: string;
  /** Official name → name in the file. */
  readonly names: ReadonlyMap<string, string>;
  /** Names in the file, below the prefix, that are neither wanted nor recomputed. */
  readonly unexpected: readonly string[];
}

/** Dictionaries and modules around a network. Of two that hold it equally well, the first here is taken. */
const wrappers = [
  "teacher", // what DINO evaluates
  "state_dict",
  "model",
  "model_state",
  "student",
  "module", // DistributedDataParallel
  "_orig_mod", // torch.compile
  "backbone",
  "encoder",
];

const maxWrappers = 5; // { "state_dict": { "module.student.backbone.…" } } is four

/** Buffers that follow from the architecture, or that nobody reads. */
const recomputed = /(?:^|\.)(?:num_batches_tracked|relative_position_index|attn_mask)$/;

/**
 * Finds the weights under the prefix that holds most of them; below `key`, if that is given.
 *
 * @param wanted Official names.
 * @throws {Error} If nothing in the file is below `key`; the message says what there is.
 */
export function findNames(
  inFile: readonly string[],
  wanted: ReadonlySet<string>,
  officialNames: OfficialNames = (names) => new Map(names.map((name) => [name, name])),
  key: string | undefined,
  refuse: (why: string) => Error,
): FoundNames {
  const found = prefixesOf(inFile, key).map((prefix) => {
    const below = inFile.filter((name) => name.startsWith(prefix));
    const official = officialNames(below.map((name) => name.slice(prefix.length)));
    return namesBelow(prefix, below, official, wanted);
  });
  if (found.length === 0) {
    const roots = [...new Set(inFile.map((name) => name.split(".", 1)[0]!))];
    throw refuse(`it has no "${key}", it has ${listed(roots)}`);
  }
  return found.reduce((best, next) => next.names.size > best.names.size ? next : best);
}

/** All chains of wrappers that the names have, shorter first, then in the order of {@linkcode wrappers}. */
function prefixesOf(names: readonly string[], key?: string): string[] {
  const occurs = (prefix: string) => names.some((name) => name.startsWith(prefix));
  const prefixes = key === undefined ? [""] : [`${key}.`].filter(occurs);
  let outer = prefixes;
  for (let depth = 0; depth < maxWrappers; depth++) {
    outer = outer.flatMap((prefix) => wrappers.map((inner) => `${prefix}${inner}.`)).filter(occurs);
    prefixes.push(...outer);
  }
  return prefixes.sort((a, b) => rank(a) - rank(b));
}

/** Whose weights: the outermost wrapper decides, however deep the network is inside it. */
function rank(prefix: string): number {
  return wrappers.indexOf(prefix.split(".", 1)[0]!);
}

function namesBelow(
  prefix: string,
  below: readonly string[],
  official: ReadonlyMap<string, string>,
  wanted: ReadonlySet<string>,
): FoundNames {
  const names = new Map<string, string>();
  const unexpected: string[] = [];
  for (const name of below) {
    const own = name.slice(prefix.length);
    const meant = official.get(own) ?? own;
    if (wanted.has(meant) && !names.has(meant)) names.set(meant, name);
    else if (!recomputed.test(own)) unexpected.push(name);
  }
  return { prefix, names, unexpected };
}

const listedAtMost = 8;

/** The first few of many, for a message. */
export function listed(items: readonly string[]): string {
  const more = items.length - listedAtMost;
  return items.slice(0, listedAtMost).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
