/** Finds a network's weights in a checkpoint: scripts wrap them in dictionaries and modules. */
import { partIn } from "lib/models/parts/renaming.ts";

/** Gives names in a file the names that weights have here: see `Model.officialNames`. */
export type OfficialNames = (names: readonly string[]) => ReadonlyMap<string, string>;

/** Where in a file the weights of one network are. */
export interface FoundNames {
  /** What stands before each of its names in the file: `teacher.backbone.`, or nothing. */
  readonly prefix: string;
  /** Name here → name in the file, or names of the equal parts of which it is made. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** Names in the file, below the prefix, that the network has no place for. */
  readonly unexpected: readonly string[];
  /**
   * Names in the file, below the prefix, of layers that this library never builds, such as a
   * pooler.
   */
  readonly leftOut: readonly string[];
}

/**
 * Dictionaries and modules that scripts put around a network. Other names are found where they hold
 * most of it.
 */
const wrappers = [
  "teacher",
  "state_dict",
  "model",
  "model_state",
  "model_state_dict",
  "student",
  "module", // DistributedDataParallel
  "_orig_mod", // torch.compile
  "net",
  "network",
  "backbone",
  "encoder",
];

const maxWrappers = 5; // { "state_dict": { "module.student.backbone.…" } } is four

/**
 * Pairs of networks that a method trains together: the one that it evaluates, and the other. The
 * last two are MoCo v3's and MoBY's, where the other network is the moving average.
 */
const pairs = [
  ["teacher", "student"],
  ["base_encoder", "momentum_encoder"],
  ["encoder", "encoder_k"],
] as const;

/** Buffers that follow from the architecture, or that nobody reads. */
const recomputed = /(?:^|\.)(?:num_batches_tracked|relative_position_index|attn_mask)$/;

/**
 * Finds the weights under the prefix that holds most of them; below `key`, if that is given.
 *
 * Where a teacher and its student are both there, equally complete, the teacher is taken: DINO and
 * the methods after it evaluate the teacher. Likewise with other {@linkcode pairs}.
 *
 * @param wanted Names of the weights here.
 * @throws {Error} If nothing in the file is below `key`; the message says what there is. If the
 *   network is there several times and nothing says which is meant.
 */
export function findNames(
  inFile: readonly string[],
  wanted: ReadonlySet<string>,
  officialNames: OfficialNames = (names) => new Map(names.map((name) => [name, name])),
  key: string | undefined,
  refuse: (why: string) => Error,
): FoundNames {
  const found = prefixesOf(inFile, wanted.size, key).map((prefix) => {
    const below = inFile.filter((name) => name.startsWith(prefix));
    const official = officialNames(below.map((name) => name.slice(prefix.length)));
    return namesBelow(prefix, below, official, wanted);
  });
  if (found.length === 0) {
    const roots = [...new Set(inFile.map((name) => name.split(".", 1)[0]!))];
    throw refuse(`it has no "${key}", it has ${listed(roots)}`);
  }
  const most = Math.max(...found.map(({ names }) => names.size));
  return choose(found.filter(({ names }) => names.size === most), wanted.size, refuse);
}

/** The one that is meant among those that hold the network equally well, shorter prefixes first. */
function choose(
  equal: readonly FoundNames[],
  wanted: number,
  refuse: (why: string) => Error,
): FoundNames {
  const [first, ...others] = equal as readonly [FoundNames, ...FoundNames[]];
  const apart = others.filter(({ prefix }) => !prefix.startsWith(first.prefix));
  const rivals = apart.filter(({ prefix }) => teacherOf(first.prefix, prefix) === undefined);
  if (rivals.length > 0 && 2 * first.names.size >= wanted) {
    const keys = [first, ...rivals].map(({ prefix }) => prefix.slice(0, -1));
    throw refuse(
      `it holds this network several times, under ${listed(keys.map((key) => `"${key}"`))}; ` +
        `say which with { key: "${keys[0]}" }`,
    );
  }
  const teacher = apart.find(({ prefix }) => teacherOf(first.prefix, prefix) === prefix);
  return teacher ?? first;
}

/**
 * Which of two prefixes is a teacher's, if they differ first in that one is its student's; likewise
 * with other {@linkcode pairs}.
 */
function teacherOf(a: string, b: string): string | undefined {
  const [inA, inB] = [a.split("."), b.split(".")];
  const at = inA.findIndex((name, i) => name !== inB[i]);
  const [nameA = "", nameB = ""] = [inA[at], inB[at]];
  if (nameA === nameB) return undefined;
  for (const [teacher, student] of pairs) {
    if (nameA === nameB.replace(student, teacher)) return a;
    if (nameB === nameA.replace(student, teacher)) return b;
  }
  return undefined;
}

/**
 * Prefixes that may hold the network, shorter first: chains of wrappers, and all that hold half as
 * many names as wanted.
 */
function prefixesOf(names: readonly string[], wanted: number, key?: string): string[] {
  const start = key === undefined ? "" : `${key}.`;
  const inside = names.filter((name) => name.startsWith(start));
  if (inside.length === 0 && key !== undefined) return [];
  const prefixes = new Set([start, ...chainsIn(inside, start)]);
  const counts = new Map<string, number>();
  for (const name of inside) {
    for (let at = name.indexOf(".", start.length); at >= 0; at = name.indexOf(".", at + 1)) {
      const prefix = name.slice(0, at + 1);
      counts.set(prefix, (counts.get(prefix) ?? 0) + 1);
    }
  }
  for (const [prefix, count] of counts) if (2 * count >= wanted) prefixes.add(prefix);
  return [...prefixes].sort((a, b) => a.split(".").length - b.split(".").length);
}

/** All chains of wrappers that the names have after `start`. */
function chainsIn(names: readonly string[], start: string): string[] {
  const occurs = (prefix: string) => names.some((name) => name.startsWith(prefix));
  const prefixes: string[] = [];
  let outer = [start];
  for (let depth = 0; depth < maxWrappers; depth++) {
    outer = outer.flatMap((prefix) => wrappers.map((inner) => `${prefix}${inner}.`)).filter(occurs);
    prefixes.push(...outer);
  }
  return prefixes;
}

function namesBelow(
  prefix: string,
  below: readonly string[],
  official: ReadonlyMap<string, string>,
  wanted: ReadonlySet<string>,
): FoundNames {
  const places = new Map<string, string[]>();
  const unexpected: string[] = [];
  const leftOut: string[] = [];
  for (const name of below) {
    const own = name.slice(prefix.length);
    const meant = official.get(own) ?? own;
    const { whole, part, parts } = partIn(meant);
    const place = places.get(whole) ?? new Array<string>(parts).fill("");
    if (meant === "") leftOut.push(name);
    else if (wanted.has(whole) && place[part] === "") {
      place[part] = name;
      places.set(whole, place);
    } else if (!recomputed.test(own)) unexpected.push(name);
  }
  const whole = [...places].filter(([, parts]) => parts.every((name) => name !== ""));
  return { prefix, names: new Map(whole), unexpected, leftOut };
}

const listedAtMost = 8;

/** The first few of many, for a message. */
export function listed(items: readonly string[]): string {
  const more = items.length - listedAtMost;
  return items.slice(0, listedAtMost).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
