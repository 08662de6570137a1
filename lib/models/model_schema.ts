/** What a network's config may be: the schema of each family, by `arch`. */
import { checkAgainst, shown } from "lib/schema/check.ts";
import { byKey, record, whole } from "lib/schema/fields.ts";
import { convNeXtIsotropicSchema, convNeXtSchema } from "lib/models/convnext/convnext_schema.ts";
import { repLKNetSchema } from "lib/models/replknet/replknet_schema.ts";
import { resNetSchema } from "lib/models/resnet/resnet_schema.ts";
import { sLaKSchema } from "lib/models/slak/slak_schema.ts";
import { swinSchema } from "lib/models/swin/swin_schema.ts";
import { vitSchema } from "lib/models/vit/vit_schema.ts";

export const modelSchema = byKey("arch", {
  convnext: convNeXtSchema,
  convnext_isotropic: convNeXtIsotropicSchema,
  vit: vitSchema,
  swin: swinSchema,
  resnet: resNetSchema,
  replknet: repLKNetSchema,
  slak: sLaKSchema,
});

const options = record({ numClasses: whole(0, 1_000_000) });

/**
 * Refuses what no network can be built of: notebook cells run without a type check.
 *
 * @param numClasses Classes of its classifier; 0 for none.
 * @throws {TypeError} If an option is unknown or missing, or of a wrong type.
 * @throws {RangeError} If a value is outside of what is allowed.
 */
export function checkModelConfig(config: unknown, numClasses: number): void {
  const { arch } = Object(config) as { readonly arch?: unknown };
  const attempt = `Cannot build ${arch === undefined ? "a network" : shown(arch)}`;
  checkAgainst(modelSchema, config, attempt);
  checkAgainst(options, { numClasses }, attempt);
}
