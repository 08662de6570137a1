import * as tf from "lib/tf.ts";
import { alone, type World } from "lib/distributed/world.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { batchNorm, createBatchNorm, inputGradientOfAll, momentsOfAll } from "./norms.ts";
import { assertClose, assertEquals } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const random = (shape: number[], seed: number, mean = 0) =>
  tf.randomNormal(shape, mean, 1.5, "float32", seed);
const options = { eps: 1e-2, momentum: 0.25 };

/** One of so many processes, of which each sends one of `sent`. */
const among = (sent: readonly tf.Tensor[]): World => ({
  ...{ ...alone, size: sent.length },
  gather: () => tf.concat(sent.map((x) => x.clone())) as never,
});

/** What a process would send. */
function sentIn(run: (world: World) => void): tf.Tensor {
  let sent: tf.Tensor | undefined;
  const gather = (x: tf.Tensor) => (sent = x.clone(), tf.concat([x, x]));
  run({ ...alone, size: 2, gather: gather as World["gather"] });
  return sent!;
}

/** A BatchNorm of C channels with weights and statistics that are neither 0 nor 1. */
function params(C: number) {
  const norm = createBatchNorm(C);
  Object.values(norm).forEach((x, i) => x.assign(random([C], 10 + i, 3)));
  return norm;
}

/** Result, gradients and running statistics of one process with the whole batch. */
function whole(x: tf.Tensor, dy: tf.Tensor, C: number): tf.Tensor[] {
  const norm = params(C);
  const run = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
    batchNorm(x, { ...norm, weight, bias } as typeof norm, { training: true, ...options });
  const [dx, dweight, dbias] = tf.grads(run as (...xs: tf.Tensor[]) => tf.Tensor)(
    [x, norm.weight, norm.bias],
    dy,
  );
  const after = params(C);
  batchNorm(x, after, { training: true, ...options });
  return [dx!, dweight!, dbias!, after.running_mean, after.running_var];
}

/** The same of processes with equal parts of it. The gradients of weights are sums over them. */
function shared(x: tf.Tensor, dy: tf.Tensor, C: number, processes: number): tf.Tensor[] {
  const [xs, dys] = [tf.split(x, processes), tf.split(dy, processes)];
  const moments = xs.map((x) => sentIn((world) => momentsOfAll(x, params(C), options, world)));
  const norms = xs.map(() => params(C));
  const statistics = xs.map((x, p) => momentsOfAll(x, norms[p]!, options, among(moments)));
  statistics.forEach(([mean, rstd]) => {
    assertEquals([mean, rstd].map((x) => x!.dataSync()), statistics[0]!.map((x) => x.dataSync()));
  });
  const own = xs.map((x, p) => {
    const [mean, rstd] = statistics[p]!;
    const [dy, w] = [dys[p]!, norms[p]!.weight];
    const axes = [0, 1];
    const xhat = x.sub(mean).mul(rstd);
    const [dbias, dweight] = [dy.sum(axes), dy.mul(xhat).sum(axes)];
    const n = x.size / C;
    const dx = dy.sub(dbias.div(n)).sub(xhat.mul(dweight.div(n))).mul(rstd).mul(w);
    return [dx, x, mean, rstd, w, dweight, dbias];
  });
  const sums = own.map((tensors) => sentIn((world) => inputGradientOfAll(tensors, world)));
  const dx = own.map((tensors) => inputGradientOfAll(tensors, among(sums)));
  const sum = (i: number) => own.map((tensors) => tensors[i]!).reduce((a, b) => a.add(b));
  return [tf.concat(dx), sum(5), sum(6), norms[0]!.running_mean, norms[0]!.running_var];
}

for (const plain of [false, true]) {
  Deno.test({
    name: `BatchNorm of a shared batch is that of the whole one, by ${
      plain ? "plain operations" : "our kernels"
    }`,
    ignore: !plain && !nativeStatus().active,
    fn() {
      for (const [processes, shape] of [[2, [4, 3, 5]], [3, [6, 2, 33]], [4, [4, 1, 1]]] as const) {
        const C = shape[2];
        const [x, dy] = [random([...shape], 1, 4), random([...shape], 2)];
        const expected = whole(x, dy, C);
        const run = () => shared(x, dy, C, processes);
        (plain ? withPlainOps(run) : run()).forEach((actual, i) => {
          assertClose(actual, expected[i]!, 1e-4);
        });
      }
    },
  });
}

Deno.test("BatchNorm of a shared batch keeps no tensor but its results", () => {
  const [x, norm] = [random([4, 2, 3], 1), params(3)];
  const sums = [1, 2].map((seed) => random([2, 3], seed));
  const of = [random([4, 2, 3], 3), x, ...[4, 5, 6, 7, 8].map((seed) => random([3], seed))];
  const run = () =>
    tf.tidy(() => {
      momentsOfAll(x, norm, options, among(sums));
      inputGradientOfAll(of, among(sums));
    });
  assertNoLeak(run);
  withPlainOps(() => assertNoLeak(run));
});
