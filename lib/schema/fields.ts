/**
 * The fields that schemas of configs consist of. The message of each field says what is allowed,
 * for error messages.
 *
 * A schema only checks: it converts nothing and fills in no defaults, since the id of a run is a
 * hash of its config.
 */
import * as v from "valibot";
import { closestOption } from "./closest_option.ts";

/** Any schema. */
export type Schema<T = unknown> = v.GenericSchema<T>;

/** The type of the values that a schema allows. */
export type Valid<S extends Schema> = v.InferOutput<S>;

/** A type without `readonly`, at any depth. Optional keys stay optional. */
type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T;

/** Whether two types are the same, optional keys included. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : false;

/**
 * Compares a schema with the type of what it checks: `schemaOf<Scale>()(record({ … }))`. The call
 * does not compile if they differ in a key, in which keys are optional, or in the type of a value.
 */
export function schemaOf<T>(): <S extends Schema>(
  schema: S,
  ...drift: Same<Plain<Valid<S>>, Plain<T>> extends true ? []
    : [{ readonly schemaAndTypeDiffer: never }]
) => S {
  return (schema, ..._drift) => schema;
}

const mostWhole = 2 ** 31 - 1; // the largest number in an int32 tensor

/** A whole number. */
export function whole(least: number, most = mostWhole) {
  const allowed = most === mostWhole
    ? `a whole number of at least ${least}`
    : `a whole number from ${least} to ${most}`;
  return v.pipe(
    v.number(allowed),
    v.integer(allowed),
    v.minValue(least, allowed),
    v.maxValue(most, allowed),
  );
}

/** A whole number, which may be negative. */
export const integer = v.pipe(v.number("a whole number"), v.safeInteger("a whole number"));

/** A number from `least` to `most`, both allowed. */
export function between(least: number, most: number) {
  const allowed = `a number from ${least} to ${most}`;
  return v.pipe(v.number(allowed), v.minValue(least, allowed), v.maxValue(most, allowed));
}

/** A fraction of a whole: a probability, a share of a run, a score. */
export const share = between(0, 1);

/** A fraction below 1: the rest must not be 0. */
export const shareBelowOne = v.pipe(
  v.number("a number from 0 to below 1"),
  v.minValue(0, "a number from 0 to below 1"),
  v.ltValue(1, "a number from 0 to below 1"),
);

/** A fraction above 0. */
export const shareAboveZero = v.pipe(
  v.number("a number above 0 and at most 1"),
  v.gtValue(0, "a number above 0 and at most 1"),
  v.maxValue(1, "a number above 0 and at most 1"),
);

/** A number above 0. */
export const positive = v.pipe(
  v.number("a number above 0"),
  v.gtValue(0, "a number above 0"),
  v.finite("a number above 0"),
);

/** A number that is not negative. */
export const notNegative = v.pipe(
  v.number("a number of at least 0"),
  v.minValue(0, "a number of at least 0"),
  v.finite("a number of at least 0"),
);

/** Any number but NaN and the infinities. */
export const finite = v.pipe(v.number("a finite number"), v.finite("a finite number"));

/** Yes or no. */
export const flag = v.boolean("true or false");

/** One of several words. */
export function oneOf<const T extends readonly string[]>(...words: T) {
  return v.picklist(words, wordsAllowed(words));
}

/**
 * The message of a field that takes one of several words: the words, and which one was probably
 * meant.
 */
function wordsAllowed(words: readonly string[]) {
  const allowed = words.map((word) => `"${word}"`).join(words.length > 2 ? ", " : " or ");
  return ({ input }: v.PicklistIssue): string => {
    const guess = typeof input === "string" ? closestOption(input, words) : undefined;
    return allowed + (guess === undefined ? "" : `; did you mean "${guess}"?`);
  };
}

/** A path of a file or folder. */
export const path = v.pipe(
  v.string("a path"),
  v.check((text) => text.trim() !== "" && !text.includes("\0"), "a path"),
);

/** A list with at least one entry. */
export function list<S extends Schema>(entry: S) {
  const allowed = `a list with at least one entry, each ${allowedBy(entry)}`;
  return v.pipe(v.array(entry, allowed), v.minLength(1, allowed));
}

/** Two numbers, of which the first is not larger than the second. */
export function range<S extends Schema<number>>(entry: S) {
  const allowed = `[low, high] with low at most high, each ${allowedBy(entry)}`;
  return v.pipe(
    v.strictTuple([entry, entry], allowed),
    v.check(([low, high]) => !(low > high), allowed), // a NaN is reported by the entry's schema
  );
}

/** Three values, such as one for each colour. */
export function three<S extends Schema>(entry: S) {
  return v.strictTuple([entry, entry, entry], `a list of three, each ${allowedBy(entry)}`);
}

/** An object with just these keys; those in `v.optional()` may be absent. */
export function record<E extends v.ObjectEntries>(entries: E) {
  const keys = Object.keys(entries);
  const own: E = Object.assign(Object.create(null), entries); // no "toString"
  return v.strictObject(own, ({ expected, input }) => {
    if (expected === "Object") return `an object with ${keys.join(", ")}`;
    if (expected !== "never") return allowedBy(entries[JSON.parse(expected ?? '""')]!);
    const guess = closestOption(String(input), keys);
    return `use one of ${keys.join(", ")}` + (guess ? `; did you mean "${guess}"?` : "");
  });
}

/** A rule about several fields of an object, each of which is valid by itself. */
export interface Rule<T> {
  /** The field that the message names. */
  readonly key: string;
  readonly allowed: string;
  readonly isKept: (value: T) => boolean;
}

/**
 * A schema with rules about several fields. The rules are checked once every field has its type.
 */
export function withRules<S extends Schema>(
  schema: S,
  ...rules: readonly Rule<Valid<S>>[]
): Schema<Valid<S>> {
  const check = v.rawCheck<Valid<S>>(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.issues) return;
    const input = dataset.value as Record<string, unknown>;
    for (const { key, allowed, isKept } of rules) {
      if (isKept(dataset.value)) continue;
      const at = { type: "object", origin: "value", input, key, value: input[key] } as const;
      addIssue({ message: allowed, path: [at] });
    }
  });
  return v.pipe(schema as Schema<Valid<S>>, check);
}

/**
 * A schema for an object of several kinds: the value of the key `key` says which schema applies.
 *
 * @param absent The kind of an object without the key; by default, the key must be there.
 */
export function byKey<K extends string, S extends Schema>(
  key: K,
  kinds: Readonly<Record<string, S>>,
  absent?: string,
) {
  const words = Object.keys(kinds);
  // An object of no known kind always fails here: its key is none of the kinds.
  const none = v.looseObject(
    { [key]: oneOf(...words) },
    ({ expected }) =>
      `${expected === "Object" ? `an object with ${key}: ` : ""}${allowedBy(oneOf(...words))}`,
  ) as unknown as S;
  return v.lazy((input: unknown): S => {
    const kind = Object(input)[key] ?? absent;
    return typeof kind === "string" && Object.hasOwn(kinds, kind) ? kinds[kind]! : none;
  });
}

/** What a schema allows, in words. */
export function allowedBy(schema: Schema): string {
  const { issues } = v.safeParse(schema, Symbol("none")); // no schema allows a symbol
  return issues?.[0].message ?? "another value";
}
