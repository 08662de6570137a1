import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { attention, attentionSoftmax, createAttention, selfAttention } from "lib/nn/attention.ts";
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

/**
 * Value and gradients of attention on `qkv` `[G, N, 3C]` and a bias `[K, h, N, N]`, for the
 * cotangent `dy`, written out.
 */
function naiveGradients(
  { qkv, bias, dy, groups, tokens, heads }: {
    readonly qkv: Float32Array;
    readonly bias?: Float32Array;
    readonly dy: Float32Array;
    readonly groups: number;
    readonly tokens: number;
    readonly heads: number;
  },
): { readonly y: Float64Array; readonly dqkv: Float64Array; readonly dbias: Float64Array } {
  const width = dy.length / groups / tokens;
  const dim = width / heads;
  const [y, dqkv] = [new Float64Array(dy.length), new Float64Array(qkv.length)];
  const dbias = new Float64Array(bias?.length ?? 0);
  const all = Array.from({ length: tokens }, (_, token) => token);
  const dims = Array.from({ length: dim }, (_, c) => c);
  for (let g = 0; g < groups; g++) {
    for (let head = 0; head < heads; head++) {
      const at = (part: number, token: number, c: number) =>
        (g * tokens + token) * 3 * width + part * width + head * dim + c;
      const out = (token: number, c: number) => (g * tokens + token) * width + head * dim + c;
      for (const i of all) {
        const row = ((g * heads + head) * tokens + i) * tokens % Math.max(1, dbias.length);
        const exps = all.map((j) => {
          const score = dims.reduce((sum, c) => sum + qkv[at(0, i, c)]! * qkv[at(1, j, c)]!, 0);
          return Math.exp(score / Math.sqrt(dim) + (bias?.[row + j] ?? 0));
        });
        const total = exps.reduce((sum, e) => sum + e);
        const shares = exps.map((e) => e / total);
        const up = all.map((j) =>
          dims.reduce((sum, c) => sum + dy[out(i, c)]! * qkv[at(2, j, c)]!, 0)
        );
        const mean = shares.reduce((sum, share, j) => sum + share * up[j]!, 0);
        for (const j of all) {
          const slope = shares[j]! * (up[j]! - mean);
          if (bias) dbias[row + j]! += slope;
          for (const c of dims) {
            y[out(i, c)]! += shares[j]! * qkv[at(2, j, c)]!;
            dqkv[at(0, i, c)]! += slope * qkv[at(1, j, c)]! / Math.sqrt(dim);
            dqkv[at(1, j, c)]! += slope * qkv[at(0, i, c)]! / Math.sqrt(dim);
            dqkv[at(2, j, c)]! += shares[j]! * dy[out(i, c)]!;
          }
        }
      }
    }
  }
  return { y, dqkv, dbias };
}

for (
  const [groups, tokens, heads, headDim, biases] of [
    [4, 5, 2, 3, 0],
    [4, 5, 2, 3, 4],
    [3, 1, 2, 4, 1],
    [6, 9, 1, 12, 2],
    [2, 27, 2, 32, 1],
    [1, 14, 1, 64, 0],
  ] as const
) {
  Deno.test(
    `attention() and its gradients equal the sums written out: ${groups} groups of ${tokens} ` +
      `tokens, ${heads} heads of ${headDim}, ${biases} biases`,
    () => {
      const width = heads * headDim;
      const qkv = formula("qkv", groups * tokens * 3 * width, 0, 2);
      const dy = formula("dy", groups * tokens * width);
      const bias = biases > 0 ? formula("bias", biases * heads * tokens ** 2, 0, 3) : undefined;
      const expected = naiveGradients({ qkv, bias, dy, groups, tokens, heads });
      const run = (x: tf.Tensor, bias?: tf.Tensor) =>
        attention(x as tf.Tensor3D, {
          numHeads: heads,
          bias: bias as tf.Tensor4D | undefined,
        });
      const args = [tf.tensor(qkv, [groups, tokens, 3 * width])];
      if (bias) args.push(tf.tensor(bias, [biases, heads, tokens, tokens]));
      assertClose(run(...args as [tf.Tensor]), expected.y);
      const grads = tf.grads(run as (...args: tf.Tensor[]) => tf.Tensor)(
        args,
        tf.tensor(dy, [groups, tokens, width]),
      );
      const { dqkv, dbias } = expected;
      const offset = tokens === 1 ? 1 : 0; // one token: queries and keys have no gradient
      assertClose(grads[0]!.add(offset), dqkv.map((d) => d + offset), 2e-5);
      if (bias) assertClose(grads[1]!.add(offset), dbias.map((d) => d + offset), 2e-5);
    },
  );
}

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
