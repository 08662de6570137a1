/**
 * Writes a BC-SSL-T and its outputs. `load_in_pytorch.py` loads and compares them:
 *
 *     deno run -A lib/experiments/subjects/golden/export_to_pytorch.ts outputs/export
 *     python lib/experiments/subjects/golden/load_in_pytorch.py outputs/export
 */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { bcSslConfig, createModel } from "lib/models/mod.ts";
import { saveWeights } from "lib/weights/weights.ts";

const [folder] = Deno.args;
if (!folder) throw new Error("Name the folder to write to");
await Deno.mkdir(folder, { recursive: true });

// With a layer scale of 1e-6, the blocks would hardly change the output.
const config = { ...bcSslConfig("tiny"), layerScaleInit: 0.5 };
const model = createModel(config, createRng(0), { numClasses: 1000 });
const x = tf.randomNormal([2, 224, 224, 3], 0, 1, "float32", 7) as tf.Tensor4D;
// Moves the running statistics away from 0 and 1.
for (let i = 0; i < 3; i++) model.forward(x, { training: true });
saveWeights(model, `${folder}/weights.safetensors`);
const { logits } = model.forward(x, { training: false });
const json = { input: x.flatten().arraySync(), logits: logits!.arraySync() };
await Deno.writeTextFile(`${folder}/logits.json`, JSON.stringify(json));
