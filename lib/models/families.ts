/**
 * The table of all backbone families. A new family is a folder with a {@linkcode Family}, a line
 * here and one in `family_configs.ts`; every other room asks the family through
 * {@linkcode familyOf}.
 */
import type { Family } from "lib/models/parts/backbone.ts";
import { convNeXtFamily } from "lib/models/convnext/convnext.ts";
import { convNeXtIsotropicFamily } from "lib/models/convnext/convnext_isotropic.ts";
import { type Arch, checkArch, type ModelConfig } from "lib/models/family_configs.ts";
import { iGptFamily } from "lib/models/igpt/igpt.ts";
import { repLKNetFamily } from "lib/models/replknet/replknet.ts";
import { resNetFamily } from "lib/models/resnet/resnet.ts";
import { sLaKFamily } from "lib/models/slak/slak.ts";
import { swinFamily } from "lib/models/swin/swin.ts";
import { vitFamily } from "lib/models/vit/vit.ts";

/** Every family by its `arch`. */
export const families: {
  readonly [A in Arch]: Family<Extract<ModelConfig, { readonly arch: A }>>;
} = {
  convnext: convNeXtFamily,
  convnext_isotropic: convNeXtIsotropicFamily,
  vit: vitFamily,
  swin: swinFamily,
  resnet: resNetFamily,
  replknet: repLKNetFamily,
  slak: sLaKFamily,
  igpt: iGptFamily,
};

/**
 * The family of a config.
 *
 * @throws {RangeError} If the architecture is unknown: plain JavaScript and notebook cells run
 *   without a type check.
 *
 * @example
 * ```ts
 * import { familyOf, resNetConfig, vitConfig } from "lib/models/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const resNet50 = resNetConfig(50);
 * assertEquals(familyOf(resNet50).stages(resNet50).map(({ dim }) => dim), [256, 512, 1024, 2048]);
 * const vit = vitConfig("small");
 * assertEquals(familyOf(vit).camLayers(vit), ["blocks.11.norm1"]);
 * ```
 */
export function familyOf({ arch }: { readonly arch: string }): Family<ModelConfig> {
  checkArch(arch);
  return families[arch] as Family<ModelConfig>;
}
