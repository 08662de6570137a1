/**
 * Networks in other code's files, both ways: golden/forms holds what transformers saved and
 * computed, and the names and shapes that each code's module has (timm's, transformers', the
 * official ones').
 */
import { join } from "@std/path";
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { bcSslConfig, createModel, type ModelConfig, type WeightsFormat } from "lib/models/mod.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { loadWeights, saveWeights } from "./weights.ts";
import {
  assertClose,
  assertEquals,
  assertRejects,
  assertThrows,
  assertTrue,
} from "lib/testing/assert.ts";
import { fillByFormula, formulaImage } from "lib/testing/formula.ts";

const folder = join(import.meta.dirname!, "golden", "forms");
const read = (name: string) => JSON.parse(Deno.readTextFileSync(join(folder, name)));

interface Sample {
  readonly shape: number[];
  readonly values: number[];
}
/** A file of transformers', and what its model computes. */
interface Output {
  readonly file: string;
  readonly config: ModelConfig;
  readonly numClasses: number;
  readonly logits?: Sample;
  readonly features?: Sample;
}
/** What a module of other code calls its weights: type and shape of each. */
interface Form {
  readonly format: WeightsFormat;
  readonly config: ModelConfig;
  readonly numClasses: number;
  readonly tensors: Readonly<Record<string, readonly [type: string, shape: readonly number[]]>>;
}
const outputs: Output[] = read("outputs.json");
const forms: Form[] = read("forms.json");

async function inFolder(run: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await run(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** A network by formula: BatchNorm's statistics too. */
function modelOf({ config, numClasses }: Pick<Form, "config" | "numClasses">) {
  const model = createModel(config, createRng(0), { numClasses });
  fillByFormula(model.params);
  return model;
}

for (const { file, config, numClasses, ...expected } of outputs) {
  Deno.test(`loadWeights() reads what transformers saved as ${file}, and computes the same`, async () => {
    const model = createModel(config, createRng(0), { numClasses });
    const report = await loadWeights(model, join(folder, `${file}.safetensors`));
    const pooler = ["pooler.dense.bias", "pooler.dense.weight"];
    assertEquals([...report.leftOut].sort(), file === "vit" ? pooler : []);
    const side = "imageSize" in config ? config.imageSize : 32;
    tf.tidy(() => {
      const output = model.forward(formulaImage([2, side, side]), { training: false });
      for (const name of ["logits", "features"] as const) {
        if (!expected[name]) continue;
        const { shape, values } = expected[name];
        const flat = output[name]!.dataSync<"float32">();
        assertEquals(output[name]!.shape, shape);
        const sample = values.map((_, i) => flat[Math.floor(i * flat.length / values.length)]!);
        assertClose(sample, values, 1e-5);
      }
    });
    disposeTree(model.params);
  });
}

for (const [i, form] of forms.entries()) {
  const { format, config, numClasses, tensors } = form;
  const what = `${config.arch} ${i}, ${numClasses > 0 ? "with" : "without"} classifier`;
  Deno.test(`saveWeights() gives "${format}" its names, types and shapes, and reads them again: ${what}`, () =>
    inFolder(async (folder) => {
      const path = `${folder}/x.safetensors`;
      const [model, other] = [modelOf(form), createModel(config, createRng(1), { numClasses })];
      await saveWeights(model, path, { format });
      assertEquals(headerOf(path), tensors);
      const report = await loadWeights(other, path);
      assertEquals([report.unexpected, report.leftOut], [[], []]);
      for (const [name, variable] of namedVariables(other.params)) {
        const original = namedVariables(model.params).get(name)!;
        assertEquals(variable.dataSync(), original.dataSync());
      }
      disposeTree([model.params, other.params]);
    }));
}

/** Type and shape of each array of a file, in the order of their names. */
function headerOf(path: string): Form["tensors"] {
  const bytes = Deno.readFileSync(path);
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  delete header["__metadata__"];
  const kinds = Object.entries<{ dtype: string; shape: number[] }>(header)
    .map(([name, { dtype, shape }]) => [name, [dtype, shape]] as const);
  return Object.fromEntries(kinds.sort(([a], [b]) => a < b ? -1 : 1));
}

Deno.test("saveWeights() gives the official Swin the indices and masks that it computes", () =>
  inFolder(async (folder) => {
    const swin = forms.find(({ format, config }) =>
      format === "official" && config.arch === "swin"
    )!;
    const model = modelOf(swin);
    await saveWeights(model, `${folder}/x`);
    const { arrays } = readSafetensors(`${folder}/x`);
    const index = arrays.get("layers.0.blocks.1.attn.relative_position_index")!; // of 4 × 4
    assertEquals([...index.values.slice(0, 5)], [24, 23, 22, 21, 17]);
    assertEquals([index.values[15], index.values[15 * 16]], [0, 48]);
    // [4, 16, 16], of a map of 8 × 8 rolled by 2
    const { values } = arrays.get("layers.0.blocks.1.attn_mask")!;
    const ofWindow = (i: number) => values.slice(256 * i, 256 * (i + 1));
    assertTrue(ofWindow(0).every((value) => value === 0), "the first window is of one piece");
    const apart = [1, 2, 3].map((i) => ofWindow(i).filter((value) => value === -100).length);
    assertEquals(apart, [128, 128, 192]);
    disposeTree(model.params);
  }));

Deno.test("saveWeights() refuses a form that the other code has no network for, and writes nothing", () =>
  inFolder((folder) => {
    const config = { ...bcSslConfig("tiny"), depths: [1, 1], dims: [4, 6] };
    const model = createModel(config, createRng(0));
    for (const format of ["timm", "huggingface", "esvit"] as const) {
      assertThrows(
        () => saveWeights(model, `${folder}/x`, { format }),
        RangeError,
        `as "${format}": that code has no such network`,
      );
    }
    const bare = { params: model.params };
    assertThrows(() => saveWeights(bare, `${folder}/x`, { format: "timm" }), RangeError, "timm");
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

// ---------------------------------------------------------------- pictures of other shapes

Deno.test("a model says which pictures it takes, and what to do with PyTorch's", () => {
  const { config } = forms.find(({ config }) => config.arch === "vit")!;
  const model = createModel(config, createRng(0));
  const hints = [
    [[2, 3, 16, 16], "looks like NCHW, as PyTorch has it: give x.transpose([0, 2, 3, 1])"],
    [[2, 16, 16, 1], "for grey pictures give x.tile([1, 1, 1, 3])"],
    [[2, 16, 16, 4], "give x.slice([0, 0, 0, 0], [-1, -1, -1, 3])"],
    [[16, 16, 3], "for one picture give x.expandDims(0)"],
    [[2, 16, 16, 2], "need [B, H, W, 3]"],
  ] as const;
  for (const [shape, hint] of hints) {
    const x = tf.zeros([...shape] as [number, number, number, number]) as tf.Tensor4D;
    const run = () => model.forward(x, { training: false });
    assertThrows(
      run,
      TypeError,
      `Cannot run "vit" on shape [${shape.join(", ")}]: need [B, H, W, 3]`,
    );
    assertThrows(run, TypeError, hint);
    x.dispose();
  }
  disposeTree(model.params);
});

for (const channels of [1, 4]) {
  Deno.test(`loadWeights() says that a file was trained on pictures of ${channels} channels`, () =>
    inFolder(async (folder) => {
      const form = forms.find(({ format, config }) =>
        format === "huggingface" && config.arch === "vit"
      )!;
      const [model, path] = [modelOf(form), `${folder}/x.safetensors`];
      await saveWeights(model, path);
      const arrays = new Map(readSafetensors(path).arrays);
      const shape = [12, channels, 4, 4];
      const values = new Float32Array(12 * channels * 16);
      arrays.set("patch_embed.proj.weight", { shape, values });
      writeSafetensors(path, { arrays, metadata: {} });
      await assertRejects(
        () => loadWeights(model, path),
        Error,
        `patch_embed.proj.weight is [12, ${channels}, 4, 4] there and [12, 3, 4, 4] here: it was trained on pictures of ` +
          `${channels} channel${channels === 1 ? "" : "s"}, not 3`,
      );
      disposeTree(model.params);
    }));
}
