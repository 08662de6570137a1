/**
 * The table of all backbone families. A new family is a folder with a {@linkcode Family} and a line
 * here; every other room asks the family through {@linkcode familyOf}.
 */
import type { Family } from "lib/models/parts/backbone.ts";
import { convNeXtFamily } from "lib/models/convnext/convnext.ts";
import { convNeXtIsotropicFamily } from "lib/models/convnext/convnext_isotropic.ts";
import { repLKNetFamily } from "lib/models/replknet/replknet.ts";
import { resNetFamily } from "lib/models/resnet/resnet.ts";
import { sLaKFamily } from "lib/models/slak/slak.ts";
import { swinFamily } from "lib/models/swin/swin.ts";
import { vitFamily } from "lib/models/vit/vit.ts";

/** Every family by its `arch`. */
export const families = {
  convnext: convNeXtFamily,
  convnext_isotropic: convNeXtIsotropicFamily,
  vit: vitFamily,
  swin: swinFamily,
  resnet: resNetFamily,
  replknet: repLKNetFamily,
  slak: sLaKFamily,
} as const;

/** The name of a family. */
export type Arch = keyof typeof families;

/** Which backbone, and how large; `arch` tells the families apart. */
export type ModelConfig = { [A in Arch]: Parameters<typeof families[A]["create"]>[0] }[Arch];

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
 * assertEquals(familyOf(vit).camLayer(vit), "blocks.11.norm1");
 * ```
 */
export function familyOf({ arch }: { readonly arch: string }): Family<ModelConfig> {
  if (Object.hasOwn(families, arch)) return families[arch as Arch] as Family<ModelConfig>;
  throw new RangeError(
    `Unknown architecture "${arch}": use ${Object.keys(families).join(", ")}`,
  );
}
