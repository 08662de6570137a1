import { layerDecayScales } from "./layer_decay.ts";
import { bcSslConfig, resNetConfig, swinConfig, vitConfig } from "lib/models/mod.ts";
import { assertClose, assertEquals, assertThrows } from "lib/testing/assert.ts";

const tiny = bcSslConfig("tiny");
const body = "backbone.body.";

/** The exponent of 0.95 for one weight. */
function powerOf(name: string, backbone: typeof tiny): number {
  const scale = layerDecayScales([name], backbone, 0.95, body).get(name) ?? 1;
  return Math.log(scale) / Math.log(0.95);
}

const blocks = (stage: number, block: number) => `backbone.body.stages.${stage}.${block}.gamma`;
const downsample = (stage: number) => `backbone.body.downsample_layers.${stage}.1.weight`;

Deno.test("layerDecayScales() are mmcv_custom's, of six groups for ConvNeXt-T", () => {
  const names = [
    ...[downsample(0), blocks(0, 2), downsample(1), blocks(1, 0), downsample(2)],
    ...[blocks(2, 0), blocks(2, 2), blocks(2, 3), blocks(2, 8), downsample(3), blocks(3, 1)],
    ...["backbone.norm0.weight", "backbone.fpn.inner_blocks.0.0.weight", "rpn.head.conv.0.0.bias"],
  ];
  const expected = [7, 6, 5, 5, 4, 4, 4, 3, 2, 1, 1, 0, 0, 0];
  assertClose(names.map((name) => powerOf(name, tiny)), expected, 1e-6);
});

Deno.test("layerDecayScales() of a classifier: its head and last norm learn at the whole rate", () => {
  const names = ["downsample_layers.0.0.weight", "stages.3.0.gamma", "norm.weight", "head.weight"];
  const scales = layerDecayScales(names, tiny, 0.5);
  assertEquals(names.map((name) => scales.get(name) ?? 1), [0.5 ** 7, 0.5, 1, 1]);
});

Deno.test("layerDecayScales() have twelve groups for ConvNeXt-S", () => {
  const small = bcSslConfig("small");
  const names = [downsample(0), blocks(2, 0), blocks(2, 26), downsample(3), blocks(3, 0)];
  assertClose(names.map((name) => powerOf(name, small)), [13, 10, 2, 1, 1], 1e-6);
});

Deno.test("layerDecayScales() of a ViT are MAE's: twelve blocks make thirteen groups", () => {
  const names = ["cls_token", "pos_embed", "patch_embed.proj.bias", "blocks.0.norm1.weight"];
  names.push("blocks.11.mlp.fc2.weight", "norm.weight", "head.weight");
  const scales = layerDecayScales(names, vitConfig("small"), 0.5);
  assertEquals(
    names.map((name) => Math.log2(1 / (scales.get(name) ?? 1))),
    [13, 13, 13, 12, 1, 0, 0],
  );
});

Deno.test("layerDecayScales() of a Swin are SimMIM's: a halving goes with the block before it", () => {
  const names = ["patch_embed.norm.weight", "layers.0.blocks.0.attn.qkv.bias"];
  names.push("layers.0.blocks.1.norm2.bias", "layers.0.downsample.reduction.weight");
  names.push("layers.2.blocks.5.mlp.fc1.weight", "layers.3.blocks.1.norm1.weight", "norm.weight");
  const scales = layerDecayScales(names, swinConfig("tiny"), 0.5); // 2, 2, 6, 2 blocks
  assertEquals(
    names.map((name) => Math.log2(1 / (scales.get(name) ?? 1))),
    [13, 12, 11, 11, 3, 1, 0],
  );
});

Deno.test("layerDecayScales() know no groups of other backbones, and need none without a decay", () => {
  const resnet = resNetConfig(50);
  assertEquals(layerDecayScales(["a"], resnet, 1).size, 0);
  assertThrows(() => layerDecayScales(["a"], resnet, 0.9), RangeError, '"resnet"');
});
