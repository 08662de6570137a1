import * as tf from "lib/tf.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { createRng } from "lib/rng.ts";
import { bf16Packing } from "./bf16.ts";
import { assertClose, assertEquals, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const { pack, mean, unpack } = bf16Packing();

/** The nearest number with 8 significant bits, ties to even. */
function nearest(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 7);
  const down = Math.floor(x / unit);
  const over = x / unit - down;
  return unit * (over > 0.5 || (over === 0.5 && down % 2 !== 0) ? down + 1 : down);
}

/** Numbers of very different sizes, ties, and those that rounding must leave alone. */
function numbers(count: number, seed: number): Float32Array {
  const rng = createRng(seed);
  const special = [0, -0, 1 + 1 / 256, 1 + 3 / 256, -1 - 1 / 256, 3e38, Infinity, -Infinity, 1e-30];
  return Float32Array.from(
    { length: count },
    (_, i) => special[i] ?? rng.uniform(-1, 1) * 2 ** rng.int(20),
  );
}

const twins = (what: string, fn: () => void) => {
  Deno.test({ name: `${what}, by our kernels`, ignore: !nativeStatus().active, fn });
  Deno.test(`${what}, by plain operations`, () => withPlainOps(fn));
};

twins("numbers in bf16 are the nearest ones with 8 significant bits", () => {
  for (const [first, second, parts] of [[40, 30, 1], [9, 1, 3], [65_537, 1000, 2]] as const) {
    const [a, b] = [numbers(first, 1), numbers(second, 2)];
    const halves = pack([tf.tensor1d(a), tf.tensor2d(b, [second, 1])], parts);
    const all = unpack([halves]).dataSync();
    assertEquals([halves.shape[0], all.length % (16 * parts)], [parts, 0]);
    const filled = new Array(all.length - first - second).fill(0);
    assertEquals([...all], [...a, ...b].map(nearest).concat(filled));
  }
  const [nan] = unpack([pack([tf.tensor1d([NaN])], 1)]).dataSync();
  assertTrue(Number.isNaN(nan), "NaN stays NaN");
});

twins("the mean in bf16 is rounded once, after a sum in fp32", () => {
  const parts = [1, 2, 3].map((seed) => numbers(2000, seed).slice(9));
  const halves = tf.concat(parts.map((part) => pack([tf.tensor1d(part)], 1)));
  const actual = unpack([mean(halves)]).dataSync().slice(0, 1991);
  const expected = parts[0]!.map((_, i) => {
    const sum = parts.reduce((sum, part) => Math.fround(sum + nearest(part[i]!)), 0);
    return nearest(Math.fround(sum / 3));
  });
  assertEquals(actual, expected);
  // What the comment on a recipe's `gradients` says, for the worst of numbers that nearly cancel.
  parts[0]!.forEach((_, i) => {
    const exact = parts.reduce((sum, part) => sum + part[i]!, 0) / 3;
    const size = parts.reduce((sum, part) => sum + Math.abs(part[i]!), 0) / 3;
    assertTrue(Math.abs(actual[i]! - exact) <= 2 ** -7 * size, `${actual[i]} for ${exact}`);
  });
});

Deno.test("our kernels and plain operations pack to the same bits, and leave nothing behind", () => {
  const x = tf.tensor1d(numbers(33, 1));
  const packed = () => pack([x, x], 2);
  const bits = (x: tf.Tensor) => new Int32Array(x.dataSync().slice().buffer);
  assertEquals(bits(withPlainOps(packed)), bits(packed()));
  const run = () => {
    const halves = packed();
    const average = mean(halves);
    tf.dispose([halves, average, unpack([halves, average])]);
  };
  assertNoLeak(run);
  withPlainOps(() => assertNoLeak(run));
});

Deno.test("several tensors are unpacked one after the other", () => {
  const halves = [1, 2].map((seed) => pack([tf.tensor1d(numbers(16, seed))], 1));
  const both = halves.map((x) => [...unpack([x]).dataSync()]);
  for (const run of [unpack, (x: tf.Tensor[]) => withPlainOps(() => unpack(x))]) {
    assertClose(
      run(halves).dataSync().filter(Number.isFinite),
      both.flat().filter(Number.isFinite),
    );
  }
});
