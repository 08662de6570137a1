import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { createDinoState, type DinoState, dinoStep, type StepValues } from "lib/testing/dino.ts";
import type { Views } from "lib/ssl/views/views.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

const model = {
  arch: "convnext",
  depths: [1, 1],
  dims: [4, 6],
  kernelSize: 3,
  batchNorm: true,
  dwconvBias: false,
  patchSize: 2,
  dropPathRate: 0,
  layerScaleInit: 0.1,
} as const;
const head = {
  hiddenDim: 5,
  bottleneckDim: 3,
  outDim: 7,
  batchNorm: false,
  normLastLayer: true,
} as const;
const now: StepValues = {
  lr: 0.01,
  weightDecay: 0.1,
  teacherMomentum: 0.9,
  teacherTemp: 0.05,
  studentTemp: 0.1,
  centerMomentum: 0.9,
  clipNorm: 3,
  freezeLastLayer: false,
};
const views = (): Views => ({
  global: tf.randomNormal([8, 8, 8, 3], 0, 1, "float32", 1) as tf.Tensor4D,
  local: tf.randomNormal([8, 8, 8, 3], 0, 1, "float32", 2) as tf.Tensor4D,
});

/** A weight of the state, by its name in a checkpoint. */
function weight({ student, teacher }: DinoState, name: string): tf.Variable {
  return namedVariables({ student: student.params, teacher: teacher.params }).get(name)!;
}

/** The state's numbers, apart from BatchNorm's running statistics. */
function numbers({ student, teacher, center, optimizer }: DinoState) {
  const weights = namedVariables({ student: student.params, teacher: teacher.params });
  const values = [...weights].filter(([name]) => !name.includes("running_"))
    .map(([, variable]) => variable.dataSync());
  return [...values, center.dataSync(), optimizer.size];
}

/** A state after one good step. */
function trainedState(): DinoState {
  const state = createDinoState(model, head, createRng(0));
  dinoStep(state, views(), now, createRng(1));
  return state;
}

const poison: Record<string, (state: DinoState) => void> = {
  "teacher.backbone.stages.1.0.pwconv2.weight": (state) =>
    spoil(weight(state, "teacher.backbone.stages.1.0.pwconv2.weight"), NaN),
  "student.backbone.stages.0.0.gamma": (state) =>
    spoil(weight(state, "student.backbone.stages.0.0.gamma"), Infinity),
  "center": (state) => state.center.assign(tf.fill([7], NaN) as tf.Tensor1D),
};

function spoil(variable: tf.Variable, value: number): void {
  const values = variable.dataSync().slice();
  values[values.length - 1] = value;
  variable.assign(tf.tensor(values, variable.shape));
}

for (const [name, spoilState] of Object.entries(poison)) {
  Deno.test(`a step with a loss that is not finite names ${name}`, () => {
    const state = trainedState();
    spoilState(state);
    const before = numbers(state);
    const step = () => dinoStep(state, views(), now, createRng(2));
    assertThrows(step, RangeError, `the first tensor that is not finite is ${name}; lower lr`);
    assertEquals(numbers(state), before);
  });
}

Deno.test("a step with views that are not finite names them", () => {
  const { global, local } = views();
  const bad = { global, local: local!.mul(Infinity) as tf.Tensor4D };
  const step = () => dinoStep(trainedState(), bad, now, createRng(2));
  assertThrows(step, RangeError, "the first tensor that is not finite is the local views");
});

Deno.test("a gradient that overflows is named, and changes no number", () => {
  const state = trainedState();
  // A huge hidden layer and a tiny bottleneck: the logits are finite, the gradient of the
  // bottleneck's weight is not.
  for (const [name, factor] of [["mlp.2", 1e34], ["mlp.4", 1e-34]] as const) {
    for (const part of ["weight", "bias"]) {
      const variable = weight(state, `student.head.${name}.${part}`);
      variable.assign(variable.mul(factor));
    }
  }
  const before = numbers(state);
  const step = () => dinoStep(state, views(), now, createRng(2));
  assertThrows(step, RangeError, "the norm of the gradient of head.mlp.4.weight is not finite");
  assertEquals(numbers(state), before);
});
