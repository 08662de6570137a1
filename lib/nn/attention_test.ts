import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { attentionSoftmax, createAttention, selfAttention } from "lib/nn/attention.ts";
import { countCosts } from "lib/nn/cost.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";
import { fillByFormula, formula } from "lib/testing/formula.ts";

const [G, N, C, numHeads] = [4, 5, 6, 2];
const headDim = C / numHeads;
const params = createAttention(C, numHeads, createRng(0));
fillByFormula(params);
const x = tf.tensor3d(formula("x", G * N * C), [G, N, C]);

/** `rows · weight + bias`, written out. */
function affine(rows: number[][], { weight, bias }: typeof params.qkv): number[][] {
  const [w, b] = [weight.arraySync(), bias.arraySync()];
  return rows.map((row) =>
    b.map((sum, j) => row.reduce((y, value, i) => y + value * w[i]![j]!, sum))
  );
}

/** Attention of one group, written out; `bias` is `[h, N, N]`. */
function naive(tokens: number[][], bias: number[][][]): number[][] {
  const qkv = affine(tokens, params.qkv);
  const part = (which: number, head: number, token: number) =>
    qkv[token]!.slice(which * C + head * headDim, which * C + (head + 1) * headDim);
  const mixed = tokens.map((_, i) =>
    Array.from({ length: numHeads }, (_, head) => {
      const exps = tokens.map((_, j) => {
        const [q, k] = [part(0, head, i), part(1, head, j)];
        const score = q.reduce((sum, value, d) => sum + value * k[d]!, 0) / Math.sqrt(headDim);
        return Math.exp(score + bias[head]![i]![j]!);
      });
      const total = exps.reduce((sum, e) => sum + e);
      return Array.from(
        { length: headDim },
        (_, d) => exps.reduce((sum, e, j) => sum + e / total * part(2, head, j)[d]!, 0),
      );
    }).flat()
  );
  return affine(mixed, params.proj);
}

Deno.test("selfAttention() equals the sums written out, within each group alone", () => {
  const none = tf.zeros<tf.Rank.R3>([numHeads, N, N]).arraySync();
  const expected = x.arraySync().map((tokens) => naive(tokens, none));
  assertClose(selfAttention(x, params, { numHeads }), expected.flat(2));
});

Deno.test("selfAttention() adds to group g the bias g mod K", () => {
  const bias = tf.tensor4d(formula("bias", 2 * numHeads * N * N, 0, 3), [2, numHeads, N, N]);
  const values = bias.arraySync();
  const expected = x.arraySync().map((tokens, g) => naive(tokens, values[g % 2]!));
  assertClose(selfAttention(x, params, { numHeads, bias }), expected.flat(2));
});

Deno.test("attentionSoftmax() gives each token's shares, which sum to one", () => {
  const scores = tf.randomNormal([3, 2, 5, 5], 0, 30, "float32", 1) as tf.Tensor4D;
  const shares = attentionSoftmax(scores);
  assertClose(shares.sum(3), Array(30).fill(1));
  assertTrue(shares.min().dataSync()[0]! >= 0, "shares are not negative");
});

Deno.test("selfAttention() reports its linear layers and its two products", () => {
  const costs = countCosts(() => selfAttention(x, params, { numHeads }));
  const of = (kind: string) =>
    costs.filter((cost) => cost.kind === kind).reduce((sum, cost) => sum + cost.multiplyAdds, 0);
  assertEquals(of("linear"), G * N * C * 4 * C);
  assertEquals(of("attention"), 2 * G * N * N * C);
});

Deno.test("createAttention() throws when the heads do not share the channels evenly", () => {
  const build = () => createAttention(10, 3, createRng(0));
  assertThrows(build, RangeError, "Cannot share 10 channels among 3 heads");
});

Deno.test("selfAttention() keeps no tensor but its result", () => {
  const bias = tf.zeros<tf.Rank.R4>([2, numHeads, N, N]);
  assertNoLeak(() => selfAttention(x, params, { numHeads, bias }).dispose());
});
