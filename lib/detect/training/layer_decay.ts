/**
 * Slower learning the nearer a weight is to the image, as ConvNeXt's detectors have it
 * (mmcv_custom's layer-wise decay).
 */
import type { ModelConfig } from "lib/models/mod.ts";

const body = "backbone.body."; // what stands before the backbone's own names in a detector's

/**
 * What the learning rate of each weight is multiplied by: `decay` to the power of how many groups
 * of layers come after its own.
 *
 * The stem is group 0, the first two stages 1 and 2, three blocks of the third each one more, from
 * 3 on; the last stage is one with the last of those (6 for ConvNeXt-T, 12 for S). A downsampling
 * goes with the stage after it; that before the third is 3. All that is not of the backbone comes
 * after, and is multiplied by 1.
 *
 * @param names Of a detector's weights.
 * @param backbone A ConvNeXt or BC-SSL; of others, only a decay of 1 is known.
 * @returns By name; those of factor 1 are not in it.
 * @throws {RangeError} If it is another backbone and the decay is not 1.
 */
export function layerDecayScales(
  names: Iterable<string>,
  backbone: ModelConfig,
  decay: number,
): ReadonlyMap<string, number> {
  if (decay === 1) return new Map();
  if (backbone.arch !== "convnext") {
    throw new RangeError(
      `Cannot decay the learning rate of "${backbone.arch}" by layers: only convnext has groups; use 1`,
    );
  }
  const last = 3 + Math.ceil(backbone.depths[2]! / 3);
  const scales = [...names].map((name) => {
    const group = name.startsWith(body) ? groupOf(name.slice(body.length), last) : last + 1;
    return [name, decay ** (last + 1 - group)] as const;
  });
  return new Map(scales.filter(([, scale]) => scale !== 1));
}

/**
 * @param name As in the backbone's own files: `stages.2.5.pwconv1.weight`,
 *   `downsample_layers.1.0.weight`.
 */
function groupOf(name: string, last: number): number {
  const [kind, stage, block] = name.split(".");
  switch (kind) {
    case "downsample_layers":
      return [0, 2, 3, last][Number(stage)]!;
    case "stages":
      return stage === "2" ? 3 + Math.floor(Number(block) / 3) : [1, 2, 3, last][Number(stage)]!;
    default: // the norm of the features, which a detector does not read
      return last + 1;
  }
}
