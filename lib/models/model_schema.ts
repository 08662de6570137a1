/** What a network's config may be: the schema of each family, by `arch`. */
import { byKey } from "lib/schema/fields.ts";
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
