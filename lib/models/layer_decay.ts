/**
 * Layer-wise decay: the nearer a weight is to the image, the slower it learns, as in ConvNeXt's
 * detectors (mmcv_custom) and in the fine-tuning of ViTs and Swins.
 */
import { familyOf } from "./families.ts";
import type { ModelConfig } from "./family_configs.ts";

/**
 * The factor on each weight's learning rate: `decay` to the power of how many groups of layers come
 * after its own. The backbone's family defines the groups. Weights outside the backbone come after
 * all groups and have factor 1.
 *
 * @param names Names of a network's weights.
 * @param backbone A ConvNeXt, BC-SSL, ViT or Swin; for other families only a decay of 1 is known.
 * @param prefix What stands before the backbone's own names, as in a detector's; by default nothing.
 * @returns By name; a weight of factor 1 is left out.
 * @throws {RangeError} If the family has no groups and the decay is not 1.
 */
export function layerDecayScales(
  names: Iterable<string>,
  backbone: ModelConfig,
  decay: number,
  prefix = "",
): ReadonlyMap<string, number> {
  if (decay === 1) return new Map();
  const groups = familyOf(backbone).layerGroups?.(backbone);
  if (groups === undefined) {
    throw new RangeError(
      `Cannot decay the learning rate of "${backbone.arch}" by layers: its family has no groups of layers; use 1`,
    );
  }
  const scales = [...names].map((name) => {
    const group = name.startsWith(prefix) ? groups.of(name.slice(prefix.length)) : groups.count;
    return [name, decay ** (groups.count - group)] as const;
  });
  return new Map(scales.filter(([, scale]) => scale !== 1));
}
