/** Writes each network of forms.json in its form, and what it computes, for make_forms.py to load and to compare. */
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createModel, type ModelConfig, type WeightsFormat } from "lib/models/mod.ts";
import { fillByFormula, formulaImage } from "lib/testing/formula.ts";
import { saveWeights } from "lib/weights/weights.ts";

const [folder] = Deno.args;
if (!folder) throw new Error("Name the folder to write to");
await Deno.mkdir(folder, { recursive: true });

interface Form {
  readonly format: WeightsFormat;
  readonly config: ModelConfig;
  readonly numClasses: number;
}
const forms: Form[] = JSON.parse(
  await Deno.readTextFile(new URL("forms.json", import.meta.url)),
);
for (const [i, { format, config, numClasses }] of forms.entries()) {
  const model = createModel(config, createRng(0), { numClasses });
  fillByFormula(model.params);
  saveWeights(model, `${folder}/${i}.safetensors`, { format });
  const side = "imageSize" in config ? config.imageSize : 32;
  const { logits, features } = tf.tidy(() =>
    model.forward(formulaImage([2, side, side]), { training: false })
  );
  await Deno.writeTextFile(`${folder}/${i}.json`, JSON.stringify((logits ?? features).arraySync()));
}
