import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createModel } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { readSafetensors, writeSafetensors } from "lib/weights/safetensors.ts";
import { loadWeights } from "lib/weights/weights.ts";
import { createDinoHead, dinoHead } from "lib/ssl/distillation/head.ts";
import { createDinoState, type DinoState, loadDinoState, saveDinoState } from "lib/testing/dino.ts";
import { assertClose, assertEquals, assertRejects, assertThrows } from "lib/testing/assert.ts";

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

/** Writes a state to a file: its student and teacher differ, and one weight has moments. */
async function withFile(run: (path: string, state: DinoState) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    const state = createDinoState(model, head, createRng(0));
    const weight = namedVariables(state.student.params).get(
      "backbone.downsample_layers.0.0.weight",
    )!;
    weight.assign(weight.add(1));
    const first = tf.variable(tf.randomNormal(weight.shape, 0, 1, "float32", 1));
    const name = "backbone.downsample_layers.0.0.weight";
    const tensors = { first, second: tf.variable(first.square()) };
    state.optimizer.set(name, { tensors, steps: 1 });
    await run(`${folder}/checkpoint.safetensors`, state);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a run's checkpoint has PyTorch's names and shapes, of weights and of their moments", () =>
  withFile(async (path, state) => {
    await saveDinoState(path, state, 1);
    const { arrays, metadata } = readSafetensors(path);
    const shapes = Object.fromEntries([...arrays].map(([name, { shape }]) => [name, shape]));
    assertEquals(metadata.format, "pt");
    const stem = "backbone.downsample_layers.0.0.weight";
    for (const name of [`student.${stem}`, `teacher.${stem}`, `optimizer.${stem}.second`]) {
      assertEquals(shapes[name], [4, 3, 2, 2]);
    }
    assertEquals(shapes["teacher.backbone.stages.1.0.dwconv.weight"], [6, 1, 3, 3]);
    assertEquals(shapes["teacher.head.mlp.0.weight"], [5, 6]);
    assertEquals(shapes["teacher.head.last_layer.weight_v"], [7, 3]);
    assertEquals(shapes["teacher.head.last_layer.weight_g"], [7, 1]);
    assertEquals(shapes.center, [7]);
  }));

Deno.test("loadWeights() takes a backbone from a run's checkpoint: the teacher's, or the student's", () =>
  withFile(async (path, state) => {
    await saveDinoState(path, state, 1);
    for (const [key, from] of [[undefined, state.teacher], ["student", state.student]] as const) {
      const backbone = createModel(model, createRng(9));
      const report = await loadWeights(backbone, path, { key });
      assertEquals(report.prefix, `${key ?? "teacher"}.backbone.`);
      const expected = namedVariables(from.params.backbone);
      for (const [name, variable] of namedVariables(backbone.params)) {
        assertEquals(variable.dataSync(), expected.get(name)!.dataSync());
      }
    }
  }));

Deno.test("loadWeights() takes a projection head, whose logits stay the same", () =>
  withFile(async (path, state) => {
    await saveDinoState(path, state, 1);
    const params = createDinoHead(6, head, createRng(9));
    // Not strict: the file holds a backbone too.
    await loadWeights({ params: { head: params } }, path, { strict: false });
    const x = tf.randomNormal([2, 6], 0, 1, "float32", 1) as tf.Tensor2D;
    const expected = dinoHead(x, state.teacher.params.head, { training: false });
    assertClose(dinoHead(x, params, { training: false }), expected, 1e-6);
  }));

Deno.test("loadDinoState() takes a checkpoint from before there was a choice of optimiser as AdamW's", () =>
  withFile(async (path, state) => {
    await saveDinoState(path, state, 1);
    const { arrays, metadata } = readSafetensors(path);
    const { roles: _, ...before } = metadata;
    writeSafetensors(path, { arrays, metadata: before });
    const loaded = createDinoState(model, head, createRng(1));
    loadDinoState(path, loaded);
    for (const [name, { tensors, steps }] of state.optimizer) {
      const slot = loaded.optimizer.get(name)!;
      assertEquals(slot.steps, steps);
      assertEquals(Object.keys(slot.tensors), ["first", "second"]);
      assertClose(slot.tensors.second!, tensors.second!, 0);
    }
  }));

Deno.test("loadDinoState() refuses a checkpoint that lacks a moment, and keeps those there are", () =>
  withFile(async (path, state) => {
    await saveDinoState(path, state, 1);
    const { arrays, metadata } = readSafetensors(path);
    const [name] = state.optimizer.keys();
    writeSafetensors(path, { arrays, metadata: { ...metadata, roles: '["first","third"]' } });
    const load = () => loadDinoState(path, state);
    assertThrows(load, Error, `"optimizer.${name}.third" is missing`);
    assertEquals(state.optimizer.get(name!)!.tensors.first!.isDisposed, false);
  }));

Deno.test("loadDinoState() finds a wrong bit in a checkpoint of the right length", () =>
  withFile(async (path, state) => {
    await saveDinoState(path, state, 1);
    const bytes = Deno.readFileSync(path);
    bytes[bytes.length - 3]! ^= 1;
    Deno.writeFileSync(path, bytes);
    assertThrows(() => loadDinoState(path, state), Error, `${path}: its values are not those`);
  }));

Deno.test("saveDinoState() refuses a state that is not finite, and names the tensor", () =>
  withFile(async (path, state) => {
    await saveDinoState(path, state, 1);
    const before = Deno.readFileSync(path);
    state.center.assign(tf.tensor1d([0, 0, 0, Infinity, 0, 0, 0]));
    const save = async () => await saveDinoState(path, state, 2);
    await assertRejects(save, RangeError, "Cannot save the run: center is not finite");
    assertEquals(Deno.readFileSync(path), before);
  }));
