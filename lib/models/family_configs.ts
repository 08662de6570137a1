/**
 * What is known of each family's configs. Apart from `families.ts`, so that reading, checking and
 * listing configs, as `deno task train --help` does, loads no engine.
 */
import type { ConfigFacts } from "lib/models/parts/backbone.ts";
import {
  convNeXtConfigFacts,
  convNeXtIsotropicConfigFacts,
} from "lib/models/convnext/convnext_schema.ts";
import type { ConvNeXtConfig } from "lib/models/convnext/convnext_configs.ts";
import type { ConvNeXtIsotropicConfig } from "lib/models/convnext/convnext_isotropic_configs.ts";
import type { RepLKNetConfig } from "lib/models/replknet/replknet_configs.ts";
import type { ResNetConfig } from "lib/models/resnet/resnet_configs.ts";
import type { SLaKConfig } from "lib/models/slak/slak_configs.ts";
import type { SwinConfig } from "lib/models/swin/swin_configs.ts";
import type { ViTConfig } from "lib/models/vit/vit_configs.ts";
import type { IGptConfig } from "lib/models/igpt/igpt_configs.ts";
import { iGptConfigFacts } from "lib/models/igpt/igpt_schema.ts";
import { repLKNetConfigFacts } from "lib/models/replknet/replknet_schema.ts";
import { resNetConfigFacts } from "lib/models/resnet/resnet_schema.ts";
import { sLaKConfigFacts } from "lib/models/slak/slak_schema.ts";
import { swinConfigFacts } from "lib/models/swin/swin_schema.ts";
import { vitConfigFacts } from "lib/models/vit/vit_schema.ts";

/** Which backbone, and how large; `arch` tells the families apart. */
export type ModelConfig =
  | ConvNeXtConfig
  | ConvNeXtIsotropicConfig
  | ViTConfig
  | SwinConfig
  | ResNetConfig
  | RepLKNetConfig
  | SLaKConfig
  | IGptConfig;

/** The name of a family. */
export type Arch = ModelConfig["arch"];

type FactsOf<A extends Arch> = ConfigFacts<Extract<ModelConfig, { readonly arch: A }>>;

/** The facts by `arch`; the compiler asks for those of a new family. */
export const familyConfigs: { readonly [A in Arch]: FactsOf<A> } = {
  convnext: convNeXtConfigFacts,
  convnext_isotropic: convNeXtIsotropicConfigFacts,
  vit: vitConfigFacts,
  swin: swinConfigFacts,
  resnet: resNetConfigFacts,
  replknet: repLKNetConfigFacts,
  slak: sLaKConfigFacts,
  igpt: iGptConfigFacts,
};

/**
 * The facts of a network's family.
 *
 * @throws {RangeError} If the architecture is unknown: plain JavaScript and notebook cells run
 *   without a type check.
 */
export function configFactsOf({ arch }: { readonly arch: string }): ConfigFacts<ModelConfig> {
  checkArch(arch);
  return familyConfigs[arch] as ConfigFacts<ModelConfig>;
}

/** @throws {RangeError} If there is no family of that name. */
export function checkArch(arch: string): asserts arch is Arch {
  if (Object.hasOwn(familyConfigs, arch)) return;
  const names = Object.keys(familyConfigs).join(", ");
  throw new RangeError(`Unknown architecture "${arch}": use ${names}`);
}
