/**
 * Writes each network of `lib/weights/golden/forms/forms.json` in its file format, with pictures
 * and its outputs for them. `make_forms.py` beside that file loads and compares them:
 *
 *     deno run -A lib/experiments/subjects/golden/export_forms.ts outputs/forms
 *     python lib/weights/golden/forms/make_forms.py outputs/forms
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createModel, type ModelConfig, type WeightsFormat } from "lib/models/mod.ts";
import { saveWeights } from "lib/weights/weights.ts";

const [folder] = Deno.args;
if (!folder) throw new Error("Name the folder to write to");
await Deno.mkdir(folder, { recursive: true });

interface Form {
  readonly format: WeightsFormat;
  readonly config: ModelConfig;
  readonly numClasses: number;
}
const path = new URL("../../../weights/golden/forms/forms.json", import.meta.url);
const forms: Form[] = JSON.parse(await Deno.readTextFile(path));
for (const [i, { format, config, numClasses }] of forms.entries()) {
  // With a layer scale of 1e-6, the blocks would hardly change the output.
  const visible = "layerScaleInit" in config ? { ...config, layerScaleInit: 0.5 } : config;
  const model = createModel(visible, createRng(i), { numClasses });
  const side = "imageSize" in config ? config.imageSize : 32;
  const x = tf.randomNormal([2, side, side, 3], 0, 1, "float32", 7) as tf.Tensor4D;
  // Moves the running statistics away from 0 and 1.
  for (let j = 0; j < 3; j++) model.forward(x, { training: true });
  saveWeights(model, `${folder}/${i}.safetensors`, { format });
  const { logits, features } = model.forward(x, { training: false });
  const json = { input: x.flatten().arraySync(), output: (logits ?? features).arraySync() };
  await Deno.writeTextFile(`${folder}/${i}.json`, JSON.stringify(json));
}
