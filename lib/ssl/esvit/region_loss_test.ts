import * as tf from "lib/tf.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import type { Prototypes } from "lib/ssl/distillation/head.ts";
import { nearestRows, regionLosses, type StudentRegions } from "./region_loss.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

type Rows = readonly (readonly number[])[];

const [B, D, K, bottleneck] = [3, 5, 4, 2];
let seed = 1;
const random = (...shape: number[]) => tf.randomNormal(shape, 0, 1, "float32", seed++);
const dot = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function softmax(row: readonly number[], temperature: number): number[] {
  const top = Math.max(...row);
  const exps = row.map((x) => Math.exp((x - top) / temperature));
  const sum = exps.reduce((a, b) => a + b, 0);
  return exps.map((x) => x / sum);
}

/** A case with teacher views of `N` tokens and student views of as many as `tokens` says. */
function newCase(N: number, tokens: readonly number[]) {
  const rows = B * tokens.reduce((sum, n) => sum + n, 0);
  const prototypes = {
    weight_g: tf.variable(random(1, K).abs().add(0.5)),
    weight_v: tf.variable(random(bottleneck, K)),
  } as Prototypes;
  const teacher = {
    tokens: [0, 1].map(() => random(B, N, D) as tf.Tensor3D),
    probabilities: tf.softmax(random(2, B * N, K).mul(2)) as tf.Tensor3D,
  };
  const student: StudentRegions = {
    tokens: tokens.map((n) => random(B, n, D) as tf.Tensor3D),
    regions: l2Normalize(random(rows, bottleneck) as tf.Tensor2D),
  };
  return { teacher, student, prototypes, N, counts: tokens };
}

/** The loop of the official code over pairs of views, images and tokens. */
function writtenOut({ teacher, student, prototypes, N, counts }: ReturnType<typeof newCase>) {
  const g = prototypes.weight_g.arraySync()[0]!;
  const v = prototypes.weight_v.transpose().arraySync() as number[][];
  const units = v.map((row) => row.map((x) => x / Math.hypot(...row)));
  const logits = (student.regions.arraySync() as number[][]).map((z) =>
    units.map((unit, k) => g[k]! * dot(z, unit))
  );
  const q = teacher.probabilities.arraySync();
  const losses = Array.from({ length: B }, () => 0);
  const entropies = Array.from({ length: B }, () => 0);
  let pairs = 0;
  teacher.tokens.forEach((theirs, t) => {
    let first = 0;
    counts.forEach((n, view) => {
      for (let b = 0; b < B && view !== t; b++) {
        const [ours, others] = [
          student.tokens[view]!.arraySync()[b]! as Rows,
          theirs.arraySync()[b]! as Rows,
        ];
        for (let i = 0; i < n; i++) {
          const cosines = others.map((other) =>
            dot(ours[i]!, other) / Math.hypot(...ours[i]!) / Math.hypot(...other)
          );
          const target = q[t]![b * N + cosines.indexOf(Math.max(...cosines))]!;
          const p = softmax(logits[first + b * n + i]!, 0.1);
          losses[b]! -= target.reduce((sum, x, k) => sum + x * Math.log(p[k]!), 0) / n;
          entropies[b]! -= target.reduce((sum, x) => sum + x * Math.log(x), 0) / n;
        }
      }
      pairs += view !== t ? 1 : 0;
      first += B * n;
    });
  });
  return { losses: losses.map((x) => x / pairs), entropies: entropies.map((x) => x / pairs) };
}

for (
  const [N, tokens] of [[4, [4, 4]], [9, [9, 9, 4, 4, 4]], [1, [1, 1, 1]], [2, [2, 2, 6]]] as const
) {
  Deno.test(`regionLosses() equal the written-out loop over ${tokens} tokens of the views`, () => {
    const one = newCase(N, tokens);
    const expected = writtenOut(one);
    const { losses, entropies } = regionLosses(one.student, one.prototypes, one.teacher, 0.1);
    assertClose(losses, expected.losses, 1e-5);
    assertClose(entropies, expected.entropies, 1e-5);
  });
}

Deno.test("regionLosses() have the gradient of the written-out loop", () => {
  const one = newCase(3, [3, 3, 2]);
  const { regions } = one.student;
  const gradient = tf.grad((z) =>
    regionLosses(
      { ...one.student, regions: z as tf.Tensor2D },
      one.prototypes,
      one.teacher,
      0.1,
    ).losses.sum()
  )(regions).dataSync<"float32">();
  const values = regions.dataSync<"float32">().slice();
  const total = (i: number, by: number) => {
    const moved = values.map((x, j) => i === j ? x + by : x);
    const student = { ...one.student, regions: tf.tensor2d(moved, regions.shape) };
    return writtenOut({ ...one, student }).losses.reduce((sum, x) => sum + x, 0);
  };
  const h = 2e-3;
  values.forEach((_, i) => {
    const slope = (total(i, h) - total(i, -h)) / (2 * h);
    assertTrue(Math.abs(slope - gradient[i]!) < 2e-3, `${i}: ${slope} is not ${gradient[i]}`);
  });
});

Deno.test("nearestRows() finds the largest cosine, not the largest product, in the same image", () => {
  const student = tf.tensor3d([[[1, 0], [0, 2]], [[1, 1], [1, 0]]]);
  const teacher = tf.tensor3d([[[9, 9], [0.1, 0], [0, 0.1]], [[0, 1], [3, 2], [-1, 0]]]);
  assertEquals([...nearestRows(student, teacher).dataSync()], [1, 2, 4, 4]);
});

Deno.test("regionLosses() throw when the only pair is a view with itself", () => {
  const one = newCase(2, [2]);
  const run = () => regionLosses(one.student, one.prototypes, one.teacher, 0.1);
  assertThrows(run, RangeError, "V is 1");
});
