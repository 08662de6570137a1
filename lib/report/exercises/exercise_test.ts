import * as tf from "lib/tf.ts";
import { exercise, exercisesOf, judge } from "lib/report/exercises/exercise.ts";
import { evaluationExercises } from "lib/report/exercises/evaluation_exercises.ts";
import { networkExercises } from "lib/report/exercises/network_exercises.ts";
import { trainingExercises } from "lib/report/exercises/training_exercises.ts";
import { createModel, vitConfig } from "lib/models/mod.ts";
import { createRng } from "lib/rng.ts";
import { assertClose, assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

Deno.test("judge() accepts a right answer, and says for which arguments another one is wrong", () => {
  const right = (...[side, kernel, stride, padding]: number[]) =>
    Math.floor((side! + 2 * padding! - kernel!) / stride!) + 1;
  assertEquals(judge("outputSide", right), {
    solved: true,
    message: "outputSide is right for all 3 examples",
  });
  const { solved, message } = judge("outputSide", () => NaN);
  const where = "a solution is in notebooks/solutions/00c_models.ipynb";
  assertEquals([solved, message], [
    false,
    `outputSide(14, 9, 1, 4) is 14, yours gives NaN; ${where}`,
  ]);
  const broken = () => {
    throw new TypeError("no such thing");
  };
  assertTrue(judge("knnVote", broken).message.includes('yours throws "no such thing"'), "says so");
  assertTrue(
    judge("teacherTarget", () => [1]).message.includes("is [0.0900306, 0.244728, 0.665241]"),
    "in six digits",
  );
  assertThrows(() => judge("none", broken), RangeError, 'Unknown exercise "none": there are');
});

Deno.test("judge() compares numbers by a hundred-thousandth, and gives each answer arguments of its own", () => {
  const target = trainingExercises.teacherTarget.solve;
  const near = (...values: Parameters<typeof target>) => target(...values).map((p) => p + 5e-6);
  const far = (...values: Parameters<typeof target>) => target(...values).map((p) => p + 5e-5);
  assertEquals([judge("teacherTarget", near).solved, judge("teacherTarget", far).solved], [
    true,
    false,
  ]);
  const [example] = evaluationExercises.ranks.examples[0]!;
  judge("ranks", (scores: number[]) => scores.sort());
  assertEquals(example, [0.5, 0.9, 0.7]);
});

Deno.test("exercise() prints whether an answer is right, and does not throw where it is wrong", async () => {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    await exercise("halfLife", (momentum: number) => Math.log(0.5) / Math.log(momentum));
    await exercise("halfLife", () => 0);
  } finally {
    console.log = log;
  }
  assertEquals(lines[0], "solved: halfLife is right for all 2 examples");
  assertTrue(lines[1]!.startsWith("not yet: halfLife(0.996) is 172.94, yours gives 0"), lines[1]!);
});

Deno.test("exercisesOf() are those of a notebook", () => {
  assertEquals(exercisesOf("00_start"), ["halfLife", "teacherTarget", "knnVote"]);
  assertEquals(exercisesOf("none"), []);
});

Deno.test("answers about networks are what the engine computes", () => {
  const { outputSide, kernelWeights, batchNormalised, tokenCount } = networkExercises;
  tf.tidy(() => {
    for (const [side, kernel, stride, padding] of outputSide.examples) {
      const x = tf.zeros<tf.Rank.R4>([1, side, side, 1]);
      const padded = x.pad([[0, 0], [padding, padding], [padding, padding], [0, 0]]);
      const weight = tf.zeros<tf.Rank.R4>([kernel, kernel, 1, 1]);
      const { shape } = tf.conv2d(padded as tf.Tensor4D, weight, stride, "valid");
      assertEquals(outputSide.solve(side, kernel, stride, padding), shape[1]);
    }
    for (const [values, epsilon] of batchNormalised.examples) {
      const { mean, variance } = tf.moments(values);
      const expected = tf.sub(values, mean).div(variance.add(epsilon).sqrt());
      assertClose(batchNormalised.solve(values, epsilon), expected);
    }
  });
  assertEquals(kernelWeights.solve(3, 5), [tf.util.sizeFromShape([5, 5, 3, 1]), 5 * 5 * 3 * 3]);
  using model = createModel(vitConfig("nano"), createRng(0)); // 32 pixels in patches of 4
  const position = (model.params as { pos_embed: tf.Variable }).pos_embed;
  assertEquals(tokenCount.solve(32, 4), position.shape[1]);
});

Deno.test("a depthwise field grows by the kernel less one, and a share is of the map", () => {
  const { fieldSide, kernelShare, multiplyAdds, foldedWeight, trainingSteps } = networkExercises;
  assertEquals([fieldSide.solve([]), fieldSide.solve([7, 7])], [1, 13]);
  assertClose(kernelShare.solve(9, 224, 16), 9 / 14);
  assertEquals(multiplyAdds.solve(2, 3, 1), 12);
  assertClose(foldedWeight.solve(3, 2, 0.75, 0.25), 6);
  assertEquals(trainingSteps.solve(10, 4, 3), 6);
});

Deno.test("answers about training are what the engine computes", () => {
  const { teacherTarget, halfLife, infoNce, entropy, scaledRate } = trainingExercises;
  tf.tidy(() => {
    for (const [logits, centre, temperature] of teacherTarget.examples) {
      const expected = tf.softmax(tf.sub(logits, centre).div(temperature) as tf.Tensor1D);
      assertClose(teacherTarget.solve(logits, centre, temperature), expected);
    }
    for (const [cosines, partner, temperature] of infoNce.examples) {
      const expected = tf.logSoftmax(tf.div(cosines, temperature) as tf.Tensor1D).neg();
      assertClose(infoNce.solve(cosines, partner, temperature), expected.dataSync()[partner]!);
    }
  });
  let kept = 1;
  for (let step = 0; step < 173; step++) kept *= 0.996;
  assertClose(kept, 0.5, 0.001);
  assertClose(halfLife.solve(0.996), 173, 0.001);
  assertClose(entropy.solve([0.25, 0.25, 0.25, 0.25]), Math.log(4));
  assertEquals(scaledRate.solve(0.1, 512), 0.2);
});

Deno.test("answers about measuring agree with sums done by hand", () => {
  const { knnVote, majorityShare, meanCorruptionError, gradCamHeat } = evaluationExercises;
  // e^(0.9/0.07) = 383,000 is more than e^(0.5/0.07) + e^(0.4/0.07) = 1,570
  assertEquals(knnVote.examples.map((values) => knnVote.solve(...values)), [7, 3, 2]);
  assertEquals(majorityShare.solve([0, 1, 1, 2]), 0.5);
  assertClose(meanCorruptionError.solve([[0.2, 0.4], [0.1, 0.1]], [[0.4, 0.8], [0.1, 0.3]]), 0.5);
  // weights 1 and −1: 1 − 0, 0 − 3, 2 − 1
  assertEquals(gradCamHeat.examples.map((values) => gradCamHeat.solve(...values))[0], [1, 0, 1]);
  const { cosine, spectrumAtZero, stoppedAt } = evaluationExercises;
  assertClose(cosine.solve([1, 0], [1, 1]), Math.SQRT1_2);
  assertEquals([spectrumAtZero.solve([1, -3]), stoppedAt.solve([1, 3, 2, 2, 9], 2)], [2, 1]);
});
