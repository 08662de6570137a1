/** Checks a value by a schema, and says in one line what is wrong with it. */
import * as v from "valibot";
import type { Schema } from "./fields.ts";

/** One thing that is wrong with a value. */
export interface Problem {
  /** The keys that lead to it: `["recipe", "model", "kernelSize"]`. */
  readonly path: readonly (string | number)[];
  readonly kind: "unknown" | "missing" | "type" | "value";
  /** The value that is there. */
  readonly value: unknown;
  /** What would be right, in words. */
  readonly allowed: string;
}

/** All that is wrong with a value; empty if it is valid. */
export function problemsOf(schema: Schema, value: unknown): Problem[] {
  const { issues = [] } = v.safeParse(schema, value, { abortPipeEarly: true });
  return issues.map((issue) => {
    const path = (issue.path ?? []).map(({ key }) => key as string | number);
    return { path, kind: kindOf(issue), value: valueAt(value, path), allowed: issue.message };
  });
}

function kindOf({ kind, type, expected, input }: v.BaseIssue<unknown>): Problem["kind"] {
  if (kind === "validation" || Number.isNaN(input)) return "value"; // NaN is a number, too
  if (type === "picklist" && typeof input === "string") return "value";
  if (input === undefined) return "missing";
  return type === "strict_object" && expected === "never" ? "unknown" : "type";
}

/** The value that keys lead to; undefined if they lead nowhere. */
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => Object(inner)[key], value);
}

/**
 * Refuses what a schema does not allow.
 *
 * @param attempt What the value is for: `Cannot train "start"`.
 * @throws {TypeError} If a key is unknown or missing, or a value's type is wrong.
 * @throws {RangeError} If a value is outside of what is allowed.
 */
export function checkAgainst(schema: Schema, value: unknown, attempt: string): void {
  const problems = problemsOf(schema, value);
  const [first] = problems;
  if (first === undefined) return;
  const message = `${attempt}: ${inWords(problems)}`;
  throw first.kind === "value" ? new RangeError(message) : new TypeError(message);
}

const most = 3; // largest number of problems in one line

/** `recipe.lr is "fast", but must be a number above 0; and recipe.head is missing: …` */
export function inWords(problems: readonly Problem[]): string {
  const lines = problems.slice(0, most).map(problemInWords);
  if (problems.length > most) lines.push(`${problems.length - most} more`);
  return lines.join("; and ");
}

function problemInWords({ path, kind, value, allowed }: Problem): string {
  const name = path.join(".");
  if (kind === "unknown") return `unknown option "${name}": ${allowed}`;
  if (kind === "missing") return `${name ? `"${name}"` : "it"} is missing: need ${allowed}`;
  return `${name || "it"} is ${shown(value)}, but must be ${allowed}`;
}

const widest = 60; // characters of a value in a message

/** A value as a person would write it, shortened if it is long. */
export function shown(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "object") return plain(value);
  const text = asJson(value);
  return text.length <= widest ? text : `${text.slice(0, widest)}…`;
}

function asJson(value: unknown): string {
  try {
    return JSON.stringify(value, (_, inner) => {
      const has = typeof inner === "number" ? Number.isFinite(inner) : typeof inner !== "bigint";
      return has ? inner : plain(inner); // JSON has no NaN, infinity or bigint
    });
  } catch {
    return "an object within itself";
  }
}

function plain(value: unknown): string {
  return typeof value === "function" ? "a function" : String(value);
}
