import { createRng } from "lib/rng.ts";
import type { ModelConfig } from "lib/models/mod.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { readSafetensors, writeSafetensors } from "lib/weights/safetensors.ts";
import { loadWeights, saveWeights } from "lib/weights/weights.ts";
import { createEsvitNetworks } from "./networks.ts";
import { officialEsvit } from "./official_weights.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";
import { fillByFormula } from "lib/testing/formula.ts";

const head = {
  hiddenDim: 5,
  bottleneckDim: 3,
  outDim: 7,
  batchNorm: false,
  normLastLayer: false,
} as const;
const swin: ModelConfig = {
  arch: "swin",
  embedDim: 4,
  depths: [1, 1],
  numHeads: [1, 2],
  windowSize: 2,
  patchSize: 4,
  imageSize: 16,
  normEps: 1e-6,
  dropPathRate: 0,
};
const resnet: ModelConfig = {
  arch: "resnet",
  block: "basic",
  depths: [1, 1],
  dims: [4, 6],
  selectiveKernels: false,
};

const headNames = ["mlp.0", "mlp.2", "mlp.4"].flatMap((layer) => [
  `${layer}.weight`,
  `${layer}.bias`,
]).concat(["last_layer.weight_g", "last_layer.weight_v"]);
const block = (layer: number) =>
  [
    ...["norm1.weight", "norm1.bias", "attn.relative_position_bias_table"],
    ...["attn.relative_position_index", "attn.qkv.weight", "attn.qkv.bias", "attn.proj.weight"],
    ...["attn.proj.bias", "norm2.weight", "norm2.bias", "mlp.fc1.weight", "mlp.fc1.bias"],
    ...["mlp.fc2.weight", "mlp.fc2.bias"],
  ].map((name) => `layers.${layer}.blocks.0.${name}`);

/** The names of the official code's Swin of this config, with both heads. */
const swinNames = [
  ...["patch_embed.proj.weight", "patch_embed.proj.bias"],
  ...["patch_embed.norm.weight", "patch_embed.norm.bias"],
  ...block(0),
  ...["reduction.weight", "norm.weight", "norm.bias"].map((name) => `layers.0.downsample.${name}`),
  ...block(1),
  ...["norm.weight", "norm.bias"],
  ...headNames.map((name) => `head.${name}`),
  ...headNames.map((name) => `head_dense.${name}`),
];

for (
  const [model, shown, inBackbone] of [[swin, swinNames, ""], [resnet, [], "backbone."]] as const
) {
  Deno.test(`EsViT's ${model.arch} is saved under the official names, and loaded from them`, async () => {
    const folder = Deno.makeTempDirSync();
    try {
      const { student, teacher } = createEsvitNetworks(model, head, createRng(0));
      fillByFormula({ student: student.params, teacher: teacher.params });
      const path = `${folder}/network.safetensors`;
      await saveWeights(officialEsvit(student), path);
      const names = [...readSafetensors(path).arrays.keys()];
      if (shown.length > 0) assertEquals(names.sort(), [...shown].sort());
      for (const name of ["head.mlp.0.weight", "head_dense.last_layer.weight_v"]) {
        assertTrue(names.includes(name), name);
      }

      // a checkpoint as the official code writes it, with DDP's `module.` before the student
      const checkpoint = new Map();
      for (
        const [prefix, network] of [["student.module.", student], ["teacher.", teacher]] as const
      ) {
        await saveWeights(officialEsvit(network), path);
        for (const [name, array] of readSafetensors(path).arrays) {
          checkpoint.set(`${prefix}${name}`, array);
        }
      }
      writeSafetensors(path, { arrays: checkpoint, metadata: {} });
      const fresh = createEsvitNetworks(model, head, createRng(1));
      for (
        const [key, from, to] of [
          ["student", student, fresh.student],
          ["teacher", teacher, fresh.teacher],
        ] as const
      ) {
        const { prefix, unexpected } = await loadWeights(officialEsvit(to), path, { key });
        assertEquals(prefix, key === "student" ? "student.module." : "teacher.");
        assertEquals(unexpected, []);
        const expected = namedVariables(from.params);
        for (const [name, variable] of namedVariables(to.params)) {
          assertEquals(variable.dataSync(), expected.get(name)!.dataSync(), name);
        }
      }
      assertTrue(
        checkpoint.has(
          `student.module.${inBackbone}${model.arch === "swin" ? "norm.bias" : "bn1.bias"}`,
        ),
        "the backbone's names",
      );
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}
