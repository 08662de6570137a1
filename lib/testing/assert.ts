/**
 * Assertions for this project's tests, on top of `node:assert`, since JSR may be out of reach. They
 * load no engine: half of the test files need none.
 */
import assert from "node:assert/strict";
import type { Tensor } from "lib/tf.ts";

/** Fails unless both are deeply and strictly equal; without a message, shows where they differ. */
export function assertEquals(actual: unknown, expected: unknown, message?: string): void {
  if (message === undefined) assert.deepEqual(actual, expected);
  else assert.deepEqual(actual, expected, message);
}

export function assertTrue(value: boolean, message: string): void {
  assert.ok(value, message);
}

/** Fails unless `run` throws a `type` whose message includes `text`. */
export function assertThrows(
  run: () => unknown,
  type: new (message: string) => Error,
  text: string,
): void {
  assert.throws(run, (error) => matches(error, type, text));
}

/** Fails unless the promise of `run` rejects with a `type` whose message includes `text`. */
export async function assertRejects(
  run: () => Promise<unknown>,
  type: new (message: string) => Error,
  text: string,
): Promise<void> {
  await assert.rejects(run, (error) => matches(error, type, text));
}

function matches(error: unknown, type: new (message: string) => Error, text: string): true {
  assert.ok(error instanceof type, `expected a ${type.name}, got ${error}`);
  assert.ok(error.message.includes(text), `expected "${text}" in: ${error.message}`);
  return true;
}

type Numbers = ArrayLike<number> | Tensor | number;

/**
 * Fails if `|actual − expected| > tolerance · max|expected|` anywhere, if the lengths differ, or if
 * there is a NaN.
 *
 * The tolerance is relative to the largest expected value of the array, so that entries near zero
 * need no tolerance of their own.
 */
export function assertClose(actual: Numbers, expected: Numbers, tolerance = 1e-5): void {
  const [a, e] = [toArray(actual), toArray(expected)];
  assert.equal(a.length, e.length, `expected ${e.length} numbers, got ${a.length}`);
  let scale = 0;
  for (let i = 0; i < e.length; i++) scale = Math.max(scale, Math.abs(e[i]!));
  for (let i = 0; i < e.length; i++) {
    const close = Math.abs(a[i]! - e[i]!) <= tolerance * Math.max(scale, 1e-30); // false for NaN
    assert.ok(close, `[${i}]: ${a[i]} is not ${e[i]} within ${tolerance} of ${scale}`);
  }
}

function toArray(x: Numbers): ArrayLike<number> {
  if (typeof x === "number") return [x];
  return "dataSync" in x ? x.dataSync() : x;
}
