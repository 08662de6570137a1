/** Names of Mask R-CNN's weights in older files. */

/**
 * Names until torchvision 0.13, and in its own pre-trained detectors: convolution and activation
 * were not yet one module.
 */
const rules: readonly (readonly [RegExp, string])[] = [
  [/^(backbone\.fpn\.(?:inner|layer)_blocks\.\d+)\.(weight|bias)$/, "$1.0.$2"],
  [/^rpn\.head\.conv\.(weight|bias)$/, "rpn.head.conv.0.0.$1"],
];

const maskLayer = /^roi_heads\.mask_head\.mask_fcn(\d+)\.(weight|bias)$/; // counted from 1

/** The present name of each weight; a name that no rule matches stays. */
export function maskRcnnNames(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => {
    const [, layer, leaf] = maskLayer.exec(name) ?? [];
    if (layer) return [name, `roi_heads.mask_head.${Number(layer) - 1}.0.${leaf}`];
    const rule = rules.find(([pattern]) => pattern.test(name));
    return [name, rule ? name.replace(rule[0], rule[1]) : name];
  }));
}
