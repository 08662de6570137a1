/** The last layer with the loss: native kernels against the written-out logits. */
import * as tf from "lib/tf.ts";
import { nativeStatus, withPlainOps } from "lib/native/mod.ts";
import { l2Normalize } from "lib/nn/l2_normalize.ts";
import { prototypeLogits, type Prototypes } from "./head.ts";
import { nextCenter, teacherProbabilities } from "./loss.ts";
import { prototypeLoss, teach } from "./prototypes.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { assertNoLeak } from "lib/testing/leaks.ts";

const ignore = !nativeStatus().active;

function random(shape: number[], seed: number, mean = 0, std = 1): tf.Tensor {
  return tf.randomNormal(shape, mean, std, "float32", seed);
}

/** Prototypes whose directions have any length, and whose lengths `weight_g` have either sign. */
function prototypesOf(D: number, K: number): Prototypes {
  return {
    weight_v: tf.variable(random([D, K], 1, 0, 2)) as tf.Variable<tf.Rank.R2>,
    weight_g: tf.variable(random([1, K], 2, 1, 0.5)) as tf.Variable<tf.Rank.R2>,
  };
}

interface Sizes {
  readonly T: number;
  readonly V: number;
  readonly B: number;
  readonly D: number;
  readonly K: number;
}

/**
 * Sizes to try: one row and one column; odd sizes; sizes around SIMD widths and around chunks of
 * 1,024 columns; many rows.
 */
const sweep: readonly Sizes[] = [
  { T: 1, V: 2, B: 1, D: 1, K: 1 },
  { T: 2, V: 2, B: 1, D: 3, K: 7 },
  { T: 2, V: 3, B: 5, D: 8, K: 17 },
  { T: 2, V: 10, B: 3, D: 16, K: 512 },
  { T: 3, V: 4, B: 2, D: 5, K: 1023 },
  { T: 2, V: 4, B: 2, D: 64, K: 2051 },
  { T: 1, V: 3, B: 17, D: 33, K: 4097 },
];

const teachOptions = { teacherTemp: 0.07, centerMomentum: 0.8 };

function targetsOf({ T, B, D, K }: Sizes) {
  const z = l2Normalize(random([T * B, D], 3) as tf.Tensor2D);
  const center = random([K], 4, 0, 0.2) as tf.Tensor1D;
  return teach(z, prototypesOf(D, K), center, { views: T, ...teachOptions });
}

/** The loss and its gradients by `z`, the directions and the lengths. */
function lossAndGrads({ T, V, B, D, K }: Sizes, frozen = false): tf.Tensor[] {
  return tf.tidy(() => {
    const prototypes = prototypesOf(D, K);
    const z = tf.variable(l2Normalize(random([V * B, D], 5) as tf.Tensor2D));
    const teacher = tf.softmax(random([T, B, K], 6, 0, 3)) as tf.Tensor3D;
    const variables = [z, prototypes.weight_v, prototypes.weight_g];
    const loss = () => prototypeLoss(z, prototypes, teacher, { studentTemp: 0.1, frozen });
    const { value, grads } = tf.variableGrads(
      () => loss().mul(3).asScalar(), // so that the gradient of the loss is not 1
      frozen ? [z] : variables,
    );
    return [value, ...variables.flatMap(({ name }) => grads[name] ?? [])];
  });
}

for (const sizes of sweep) {
  const { T, V, B, K } = sizes;
  const title = `${T} × ${V} views of ${B} images and ${K} prototypes`;

  Deno.test(`teach() gives the distributions, entropy and centre of ${title}`, () => {
    const { probabilities, entropy, center } = targetsOf(sizes);
    const z = l2Normalize(random([T * B, sizes.D], 3) as tf.Tensor2D);
    const logits = prototypeLogits(z, prototypesOf(sizes.D, K)).reshape([T, B, K]) as tf.Tensor3D;
    const old = random([K], 4, 0, 0.2) as tf.Tensor1D;
    const q = teacherProbabilities(logits, old, teachOptions.teacherTemp);
    assertEquals(probabilities.shape, [T, B, K]);
    assertClose(probabilities, q, 3e-5); // logits of 20 and more: their own last digit is 2e-6
    assertClose(center, nextCenter(old, logits, teachOptions.centerMomentum));
    const written = q.arraySync().flat().map((row) =>
      -row.reduce((sum, p) => sum + (p > 0 ? p * Math.log(p) : 0), 0)
    );
    const mean = written.reduce((a, b) => a + b) / written.length;
    assertTrue(Math.abs(entropy.dataSync()[0]! - mean) < 1e-5 * Math.max(1, mean), "entropy");
  });

  Deno.test({
    name: `native prototypeLoss() equals the plain one, to the last bit itself, with ${title}`,
    ignore,
    fn() {
      const [native, again] = [lossAndGrads(sizes), lossAndGrads(sizes)];
      const plain = withPlainOps(() => lossAndGrads(sizes));
      assertEquals(native.length, 4);
      native.forEach((actual, i) => {
        assertEquals(actual.shape, plain[i]!.shape);
        const shift = K === 1 ? 1 : 0; // one prototype: everything is 0
        assertClose(actual.add(shift), plain[i]!.add(shift), i === 0 ? 1e-5 : 1e-4);
        assertEquals(actual.dataSync(), again[i]!.dataSync(), "two runs differ");
      });
    },
  });
}

Deno.test("prototypeLoss() with frozen prototypes has the same loss and gradient of the bottleneck", () => {
  const sizes = sweep[3]!;
  const [moving, frozen] = [lossAndGrads(sizes), lossAndGrads(sizes, true)];
  assertEquals(frozen.map((tensor) => tensor.dataSync()), [
    moving[0]!.dataSync(),
    moving[1]!.dataSync(),
  ]);
});

Deno.test("prototypeLoss() throws when the only pair is a view with itself", () => {
  const z = random([3, 4], 1) as tf.Tensor2D;
  const teacher = tf.softmax(random([1, 3, 9], 2)) as tf.Tensor3D;
  const options = { studentTemp: 0.1, frozen: false };
  assertThrows(() => prototypeLoss(z, prototypesOf(4, 9), teacher, options), RangeError, "V is 1");
});

Deno.test("teach() and prototypeLoss() pass NaN on", () => {
  const { D, K, T, B, V } = sweep[4]!;
  const prototypes = prototypesOf(D, K);
  const spoilt = (rows: number) =>
    tf.concat([random([rows - 1, D], 1), tf.fill([1, D], NaN)]) as tf.Tensor2D;
  const center = tf.zeros([K]) as tf.Tensor1D;
  const targets = teach(spoilt(T * B), prototypes, center, { views: T, ...teachOptions });
  assertTrue(Number.isNaN(targets.entropy.dataSync()[0]!), "the entropy lost a NaN");
  assertTrue(targets.center.dataSync().every(Number.isNaN), "the centre lost a NaN");
  assertTrue(Number.isNaN(targets.probabilities.dataSync().at(-1)), "the teacher lost a NaN");
  const teacher = tf.softmax(random([T, B, K], 6)) as tf.Tensor3D;
  const loss = (z: tf.Tensor2D) =>
    prototypeLoss(z, prototypes, teacher, { studentTemp: 0.1, frozen: false });
  assertTrue(Number.isNaN(loss(spoilt(V * B)).dataSync()[0]!), "the loss lost a NaN");
  const grad = tf.grad((z) => loss(z as tf.Tensor2D))(spoilt(V * B));
  assertTrue(Number.isNaN(grad.dataSync().at(-1)), "the gradient lost a NaN");
});

Deno.test("teach() and prototypeLoss() stay finite far from the centre and between equal vectors", () => {
  const K = 33;
  const z = tf.ones([2, 4]).div(2) as tf.Tensor2D;
  const prototypes = prototypesOf(4, K);
  prototypes.weight_v.assign(tf.ones([4, K]));
  prototypes.weight_g.assign(tf.linspace(-500, 500, K).reshape([1, K])); // softmax of ± 12,500
  const center = tf.zeros([K]) as tf.Tensor1D;
  const { probabilities, entropy } = teach(z, prototypes, center, { views: 2, ...teachOptions });
  assertClose(probabilities.slice([0, 0, K - 1], [2, 1, 1]), [1, 1]);
  assertTrue(Math.abs(entropy.dataSync()[0]!) < 1e-5, "one prototype has no entropy");
  const options = { studentTemp: 0.1, frozen: false };
  const loss = (z: tf.Tensor) =>
    prototypeLoss(z as tf.Tensor2D, prototypes, probabilities, options);
  assertClose(loss(z).add(1), [1]);
  assertTrue(tf.grad(loss)(z).isFinite().all().dataSync()[0] === 1, "a gradient is not finite");
});

Deno.test("teach() and prototypeLoss() keep no tensor but their results", () => {
  const { T, V, B, D, K } = sweep[2]!;
  const [z, center] = [random([V * B, D], 1) as tf.Tensor2D, tf.zeros([K]) as tf.Tensor1D];
  const teacherZ = random([T * B, D], 1) as tf.Tensor2D;
  const prototypes = prototypesOf(D, K);
  assertNoLeak(() => {
    const targets = teach(teacherZ, prototypes, center, { views: T, ...teachOptions });
    const loss = () =>
      prototypeLoss(z, prototypes, targets.probabilities, { studentTemp: 0.1, frozen: false });
    loss().dispose();
    const { value, grads } = tf.variableGrads(loss, [prototypes.weight_v, prototypes.weight_g]);
    tf.dispose([value, grads, targets.probabilities, targets.entropy, targets.center]);
  });
});

for (const shape of [[1, 1], [3, 17], [4, 5, 64], [300, 257]]) {
  Deno.test({
    name: `native l2Normalize() equals the plain one on [${shape}]`,
    ignore,
    fn() {
      const [x, dy] = [random(shape, 1), random(shape, 2)];
      // Zero vectors have no direction; their gradients are of another size.
      const none = tf.zeros(shape);
      const run = () => [
        l2Normalize(tf.concat([x, none])),
        ...[x, none].map((input) => tf.grad(l2Normalize)(input, dy)),
      ];
      const [native, again, plain] = [run(), run(), withPlainOps(run)];
      native.forEach((actual, i) => {
        assertClose(actual, plain[i]!, i === 0 ? 1e-5 : 1e-4);
        assertEquals(actual.dataSync(), again[i]!.dataSync(), "two runs differ");
      });
    },
  });
}
