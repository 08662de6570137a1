/**
 * The option `--set PATH=VALUE` of the command line changes a value of a config, as `override()`
 * does in a cell.
 */
import { schemaFor, withChanges } from "lib/experiments/configs/override.ts";
import { inWords, type Problem, problemsOf, shown, valueAt } from "lib/schema/check.ts";

/** One option `--set`. */
interface Setting {
  readonly path: readonly string[];
  /** The value as it was typed. */
  readonly text: string;
  /** The text read as JSON; the text itself if it is not JSON. */
  readonly value: unknown;
}

/**
 * Returns a config with some values changed: `recipe.model.kernelSize=9`, `data.kind=folder`,
 * `recipe.crops.blur=[1,0.1,0.5]`, `data={"kind":"cifar10"}`. All values are set at once, so their
 * order does not matter; the resulting config must be valid.
 *
 * A value is read as JSON. A text needs no quotes: `name=mine`.
 *
 * @throws {TypeError} If an option is unknown.
 * @throws {RangeError} If a setting cannot be read, contradicts another one, or a value is not
 *   allowed.
 */
export function withSettings<T extends object>(config: T, texts: readonly string[]): T {
  const settings = texts.map(readSetting);
  settings.forEach((setting, i) => checkApart(setting, settings.slice(i + 1)));
  const first = changed(config, settings);
  const problems = problemsOf(schemaFor(first), first);
  if (problems.length === 0) return first as T;
  // A number or `true` where a text is needed is that text: `name=9`.
  const names = new Set(problems.map(nameOf));
  const asTexts = settings.map((setting) =>
    names.has(nameOf(setting)) ? { ...setting, value: setting.text } : setting
  );
  const second = changed(config, asTexts);
  const left = new Set(problemsOf(schemaFor(second), second).map(nameOf));
  if (left.size === 0) return second as T;
  throw refusal(config, settings, problems.filter((problem) => left.has(nameOf(problem))));
}

function nameOf({ path }: Pick<Problem, "path">): string {
  return path.join(".");
}

function readSetting(setting: string): Setting {
  const [, path, text] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
  if (path === undefined || text === undefined || path.split(".").includes("")) {
    throw new RangeError(`Cannot take --set ${setting}: need PATH=VALUE, as in recipe.lr=0.004`);
  }
  const value = readValue(text.trim());
  if (isEmptyObject(value)) {
    throw new RangeError(`Cannot set ${path} to {}: that changes nothing; name what is to change`);
  }
  return { path: path.trim().split("."), text, value };
}

/** Reads a value as JSON or as a number like `.5` and `+3`; returns any other text as it is. */
function readValue(text: string): unknown {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number(text);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isEmptyObject(value: unknown): boolean {
  return JSON.stringify(value) === "{}";
}

/**
 * Checks that no later setting sets the same value again.
 *
 * @throws {RangeError} If one does: it is not clear which value is meant.
 */
function checkApart(setting: Setting, later: readonly Setting[]): void {
  const clashes = (other: Setting) => {
    const [a, b] = [`${nameOf(setting)}.`, `${nameOf(other)}.`];
    const outer = a.length < b.length ? setting : other;
    return a === b || (a.startsWith(b) || b.startsWith(a)) && !isContainer(outer.value);
  };
  const other = later.find(clashes);
  if (other === undefined) return;
  const names = [...new Set([setting, other].map(nameOf))];
  throw new RangeError(
    names.length === 1
      ? `Cannot set ${names[0]} twice: give one value`
      : `Cannot set ${names.join(" and ")} together: one is within the other`,
  );
}

function isContainer(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

/**
 * Applies all settings to a config, shorter paths first. It does not check the result.
 */
function changed(config: object, settings: readonly Setting[]): unknown {
  const changes = settings.toSorted((a, b) => a.path.length - b.path.length)
    .reduce<unknown>((all, { path, value }) => withChanges(all, nested(path, value)), {});
  return withChanges(config, changes);
}

/** Nests a value in objects: `{ recipe: { lr: 0.1 } }` for the path `recipe.lr`. */
function nested(path: readonly string[], value: unknown): unknown {
  return path.reduceRight((inner, key) => ({ [key]: inner }), value);
}

function refusal(config: object, settings: readonly Setting[], problems: readonly Problem[]) {
  const [first] = problems as [Problem];
  const setting = settings.find((one) => isAbout(first, one)) ?? settings[0]!;
  const attempt = `Cannot set ${nameOf(setting)} to ${setting.text}`;
  if (first.kind === "unknown") return new TypeError(`${attempt}: ${inWords(problems)}`);
  if (nameOf(first) !== nameOf(setting) || problems.length > 1) {
    return new RangeError(`${attempt}: ${inWords(problems)}`);
  }
  const old = valueAt(config, first.path);
  const now = old === undefined ? "not set" : shown(old);
  return new RangeError(`${attempt}: it is ${now}, and must be ${first.allowed}`);
}

/**
 * Whether a problem concerns the value of a setting, a part of that value, or a value beside it.
 */
function isAbout(problem: Problem, setting: Setting): boolean {
  const [a, b] = [`${nameOf(problem)}.`, `${nameOf(setting)}.`];
  if (a.startsWith(b) || b.startsWith(a)) return true;
  return setting.path.length > 1 && a.startsWith(`${setting.path.slice(0, -1).join(".")}.`);
}
