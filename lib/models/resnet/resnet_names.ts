/** ResNet's weights under the names of other libraries; torchvision's and timm's are ours. */
import { ownForm, type WeightsForm, type WeightsFormat } from "lib/models/parts/backbone.ts";
import {
  type NamePair,
  ofEachStage,
  toOurs,
  toTheirs,
  withPrefix,
} from "lib/models/parts/renaming.ts";
import type { ResNetConfig } from "lib/models/resnet/resnet_configs.ts";

/** Hugging Face's `ResNetModel`; its stages count from 0, and so do the convolutions of a block. */
const huggingFace: readonly NamePair[] = [
  ["conv1.*", "embedder.embedder.convolution.*"],
  ["bn1.*", "embedder.embedder.normalization.*"],
  ...ofEachStage((i) => {
    const [ours, theirs] = [`layer${i + 1}.#`, `encoder.stages.${i}.layers.#`];
    return [
      [`${ours}.downsample.0.*`, `${theirs}.shortcut.convolution.*`],
      [`${ours}.downsample.1.*`, `${theirs}.shortcut.normalization.*`],
      ...[0, 1, 2].flatMap((j): NamePair[] => [
        [`${ours}.conv${j + 1}.*`, `${theirs}.layer.${j}.convolution.*`],
        [`${ours}.bn${j + 1}.*`, `${theirs}.layer.${j}.normalization.*`],
      ]),
    ];
  }),
  ["fc.*", "classifier.1.*"],
];

const fromHuggingFace = toOurs(huggingFace);

/** Our name of each weight; one that no rule knows keeps its own. */
export function resNetNames(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name, fromHuggingFace(name.replace(/^resnet\./, ""))]));
}

const toHuggingFace = toTheirs(huggingFace);

/**
 * The form in other code's files. Selective kernels are only ours: SimCLRv2 has them in TensorFlow.
 */
export function resNetForm(
  format: WeightsFormat,
  { selectiveKernels }: ResNetConfig,
  head: boolean,
): WeightsForm | undefined {
  if (format === "official") return ownForm;
  if (selectiveKernels) return undefined;
  if (format === "timm") return ownForm;
  return format === "huggingface"
    ? { namesOf: withPrefix("resnet.", toHuggingFace, head) }
    : undefined;
}
