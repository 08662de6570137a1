/** Every family of backbones through every room that asks about one, and no room asks by name. */
import * as tf from "lib/tf.ts";
import { createDetectorBackbone, detectorMaps } from "lib/detect/network/detector_backbone.ts";
import { torchvisionMaskRcnn } from "lib/detect/boxes/mask_rcnn_config.ts";
import { layerDecayScales } from "lib/models/layer_decay.ts";
import { probeFeatures } from "lib/eval/features/probe_features.ts";
import { heedPrecision } from "lib/experiments/runs/precision.ts";
import { camLayer } from "lib/explain/cam_layers.ts";
import { gradCam } from "lib/explain/mod.ts";
import {
  type Arch,
  bcSslConfig,
  convNeXtIsotropicConfig,
  createModel,
  families,
  familyOf,
  iGptConfig,
  intermediates,
  type ModelConfig,
  repLKNetConfig,
  resNetConfig,
  sLaKConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { parameters } from "lib/nn/parameters.ts";
import { createRng } from "lib/rng.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const stages = { depths: [1, 1, 2, 1], dims: [8, 8, 12, 12] };
const kernelSizes = [5, 5, 3, 3];

/** A tiny network of each family; the compiler asks for one of a new family. */
const tiny: Readonly<Record<Arch, ModelConfig>> = {
  convnext: { ...bcSslConfig("tiny"), ...stages, dropPathRate: 0 },
  convnext_isotropic: { ...convNeXtIsotropicConfig("small"), depth: 2, dim: 12, patchSize: 8 },
  vit: { ...vitConfig("nano"), depth: 2, embedDim: 12, numHeads: 2 },
  swin: { ...swinConfig("nano"), depths: [2, 2, 2, 2], embedDim: 4, numHeads: [1, 1, 2, 2] },
  resnet: { ...resNetConfig(50), depths: [1, 1, 1, 1], dims: [4, 4, 8, 8] },
  replknet: { ...repLKNetConfig("nano"), ...stages, kernelSizes, smallKernelSize: 3 },
  slak: { ...sLaKConfig("nano"), ...stages, kernelSizes, smallKernelSize: 3 },
  igpt: {
    ...iGptConfig("nano"),
    depth: 2,
    embedDim: 12,
    imageSize: 64,
    patchSize: 8,
    featureBlock: 1,
  },
};

const images = () => tf.randomNormal<tf.Rank.R4>([2, 64, 64, 3], 0, 1, "float32", 1);

for (const [arch, config] of Object.entries(tiny)) {
  const family = familyOf(config);

  Deno.test(`${arch}: stages have the channels and strides that the family says`, () => {
    tf.tidy(() => {
      using model = createModel(config, createRng(0));
      const maps = model.forward(images(), { training: false }).stages;
      const shapes = family.stages(config).map(({ dim, stride }) => {
        return [2, 64 / stride, 64 / stride, dim];
      });
      assertEquals(maps.map(({ shape }) => shape), shapes);
    });
  });

  Deno.test(`${arch}: the layer for CAMs is there, and Grad-CAM draws it`, async () => {
    using model = createModel(config, createRng(0), { numClasses: 3 });
    const x = images();
    const [map] = await gradCam(model, x);
    x.dispose();
    assertEquals([map!.height, map!.width], [64, 64]);
    tf.tidy(() => {
      const { intermediates: found } = intermediates(model, images(), [camLayer(config)], {
        training: false,
      });
      assertTrue([3, 4].includes(Object.values(found)[0]!.rank), "a map or tokens");
      tf.dispose(found as tf.NamedTensorMap);
    });
  });

  Deno.test(`${arch}: a probe reads its features, and names of blocks exist`, () => {
    tf.tidy(() => {
      using model = createModel(config, createRng(0));
      const features = probeFeatures(model, images());
      if (model.probe === undefined) {
        assertEquals(features.shape, [2, model.featureDim]);
        assertThrows(() => probeFeatures(model, images(), { lastBlocks: 1 }), RangeError, arch);
        return;
      }
      const { blocks } = model.probe;
      tf.dispose(intermediates(model, images(), blocks, { training: false }).intermediates);
      const one = probeFeatures(model, images(), { lastBlocks: 1 });
      assertTrue(features.shape[1]! > one.shape[1]!, "the last blocks, not the last alone");
    });
  });

  Deno.test(`${arch}: a detector stands on it if it has several stages, else says so`, () => {
    const { freezeBatchNorm } = torchvisionMaskRcnn(config, 3);
    assertEquals(freezeBatchNorm, family.detector.frozenBatchNorm);
    const options = { backbone: config, freezeBatchNorm, fpnDim: 8 };
    const create = () => createDetectorBackbone(options, createRng(0));
    if (family.stages(config).length === 1) return assertThrows(create, RangeError, `"${arch}"`);
    tf.tidy(() => {
      const backbone = create();
      assertEquals("norm3" in backbone.params, family.detector.normedMaps);
      const maps = detectorMaps(images(), backbone, { freezeBatchNorm }, { training: false });
      assertEquals(maps.map(({ shape }) => shape[3]), [8, 8, 8, 8, 8]);
    });
  });

  Deno.test(`${arch}: learning rates decay by its groups of layers, or are refused`, () => {
    using model = createModel(config, createRng(0));
    const names = [...parameters(model.params).keys()];
    const scales = () => layerDecayScales(names, config, 0.5);
    const groups = family.layerGroups?.(config);
    if (groups === undefined) return assertThrows(scales, RangeError, `"${arch}"`);
    const factors = new Set(scales().values());
    assertEquals(
      [...factors].sort(),
      Array.from({ length: groups.count }, (_, i) => 0.5 ** (i + 1)).sort(),
    );
  });

  Deno.test(`${arch}: bf16 is allowed exactly where its blocks can be computed in it`, () => {
    const status = { active: true, reason: "", bf16: true };
    const heed = () => heedPrecision({ precision: "bf16", model: config }, () => {}, status);
    if (family.precisions.includes("bf16")) return heed();
    assertThrows(heed, RangeError, `"${arch}"`);
  });
}

Deno.test("familyOf() refuses an unknown family, also one that every object has a key for", () => {
  for (const arch of ["alexnet", "toString"]) {
    assertThrows(() => familyOf({ arch }), RangeError, `Unknown architecture "${arch}"`);
  }
});

Deno.test("no room but models asks for a family of networks by name", async () => {
  const lib = new URL("../", import.meta.url).pathname;
  const names = Object.keys(families).join("|");
  const asks = new RegExp(String.raw`\.arch *[!=]==? *"(${names})"|switch \([\w.]*\barch\)`);
  const wrong: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}${name}`;
      if (isDirectory) await visit(`${path}/`);
      else if (/(?<!_test)\.ts$/.test(name) && asks.test(await Deno.readTextFile(path))) {
        wrong.push(path.slice(lib.length));
      }
    }
  };
  await visit(lib);
  assertEquals(wrong, []);
});
