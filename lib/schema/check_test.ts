import { checkAgainst, problemsOf, shown, valueAt } from "./check.ts";
import { closestOption } from "./closest_option.ts";
import { byKey, flag, list, oneOf, record, share, whole, withRules } from "./fields.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";
import * as v from "valibot";

const shape = byKey("kind", {
  circle: record({ kind: v.literal("circle"), radius: whole(1, 9) }),
  box: withRules(record({ kind: v.literal("box"), low: share, high: share }), {
    key: "low",
    allowed: "at most high",
    isKept: ({ low, high }) => low <= high,
  }),
}, "circle");
const drawing = record({ title: v.optional(oneOf("a", "b")), filled: flag, shapes: list(shape) });

const circle = { kind: "circle", radius: 3 };

Deno.test("problemsOf() finds all that is wrong, each at its path", () => {
  assertEquals(problemsOf(drawing, { filled: true, shapes: [circle] }), []);
  const wrong = { filled: 1, shapes: [{ ...circle, radius: 99 }, { kind: "star" }], size: 3 };
  const found = problemsOf(drawing, wrong).map(({ path, kind }) => [path.join("."), kind]);
  assertEquals(found, [
    ["filled", "type"],
    ["shapes.0.radius", "value"],
    ["shapes.1.kind", "value"],
    ["size", "unknown"],
  ]);
});

Deno.test("byKey() takes an object without the key for the kind that may leave it out", () => {
  const [first] = problemsOf(shape, { radius: 3 }); // a circle, but without the key `kind`
  assertEquals([first?.path, first?.kind], [["kind"], "missing"]);
});

Deno.test("withRules() asks a rule once all fields are right, and names its field", () => {
  const box = (low: unknown, high: unknown) => problemsOf(shape, { kind: "box", low, high });
  assertEquals(box(0.2, 0.4), []);
  assertEquals(box(0.5, 0.4).map(({ path, allowed }) => [path, allowed]), [
    [["low"], "at most high"],
  ]);
  assertEquals(box(5, 0.4).map(({ allowed }) => allowed), ["a number from 0 to 1"]);
});

Deno.test("checkAgainst() says three problems and how many there are besides", () => {
  const refuse = (value: unknown, type: typeof TypeError | typeof RangeError, text: string) =>
    assertThrows(() => checkAgainst(drawing, value, "Cannot draw"), type, text);
  const one = { ...circle, radius: 0 };
  refuse(
    { filled: true, shapes: [one] },
    RangeError,
    "Cannot draw: shapes.0.radius is 0, but must",
  );
  refuse(
    { filled: true, shapes: [one, one, one, one, one] },
    RangeError,
    "shapes.2.radius is 0, but must be a whole number from 1 to 9; and 2 more",
  );
  refuse({ filled: true }, TypeError, '"shapes" is missing: need a list with at least one entry');
  refuse(undefined, TypeError, "it is missing: need an object with title, filled, shapes");
  refuse("x", TypeError, 'it is "x", but must be an object with title, filled, shapes');
});

Deno.test("shown() writes what JSON cannot, and not too much of it", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  const values = ["9", NaN, -Infinity, undefined, null, 1n, [NaN, 1n, "x"], () => 1, circular];
  assertEquals(values.map(shown), [
    '"9"',
    "NaN",
    "-Infinity",
    "undefined",
    "null",
    "1",
    '["NaN","1","x"]',
    "a function",
    "an object within itself",
  ]);
  assertEquals(shown("x".repeat(100)).length, 61);
});

Deno.test("valueAt() follows keys, and ends where they lead nowhere", () => {
  assertEquals(valueAt({ a: [{ b: 2 }] }, ["a", 0, "b"]), 2);
  assertEquals(valueAt({ a: null }, ["a", "b", "c"]), undefined);
});

Deno.test("closestOption() guesses a beginning, a slip and another case, and nothing far away", () => {
  const options = ["kernelSize", "warmupShare", "lr", "depths"];
  const guess = (word: string) => closestOption(word, options);
  assertEquals(["kernel", "warmupshare", "warmup_share", "depth", "kernalSize"].map(guess), [
    "kernelSize",
    "warmupShare",
    "warmupShare",
    "depths",
    "kernelSize",
  ]);
  assertEquals(closestOption("start_byoll", ["start", "start_swav", "start_byol"]), "start_byol");
  assertEquals(["momentum", "x", ""].map(guess), [undefined, undefined, undefined]);
});
