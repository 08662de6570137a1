/** What other libraries call Swin's weights. */

/**
 * The official name of each weight of timm's Swin, whose layers begin with the downsampling that the official ones end
 * with; official names keep. The two are told apart by where the first downsampling is.
 */
export function swinNames(names: readonly string[]): ReadonlyMap<string, string> {
  const fromTimm = !names.some((name) => name.startsWith("layers.0.downsample."));
  return new Map(names.map((name) => {
    const [, layer, rest] = /^layers\.(\d+)\.downsample\.(.*)$/.exec(name) ?? [];
    if (layer && fromTimm) return [name, `layers.${Number(layer) - 1}.downsample.${rest}`];
    return [name, name.replace(/^head\.fc\./, "head.")];
  }));
}
