/** Depthwise kernels and their spectra as pictures, before and after training. */
import type { ArmKernels } from "lib/experiments/mod.ts";
import { type DepthwiseKernels, meanSpectrum } from "lib/explain/mod.ts";
import { brightImage, signedImage } from "lib/report/draw/coloured_map.ts";
import { pictureSheetPng, type SheetPicture } from "lib/report/sheets/picture_sheet.ts";

/** Which kernels are drawn. */
export interface KernelSheetOptions {
  /** Official name of their layer: `stages.1.2.dwconv`; by default the last of the deepest stage. */
  readonly layer?: string;
  /** Kernels of each layer that are drawn, by default 8: the channels that lie evenly apart. */
  readonly count?: number;
}

/**
 * Draws kernels of one layer before training and, of the same channels, after it, with the mean
 * spectrum of all channels at the end of each block, as the bytes of a PNG: a row for each arm, of
 * its first seed. In a kernel 0 is white, positive weights are red and negative ones blue, each
 * kernel with its own scale. In a spectrum frequency 0 is in the middle, and what is passed most is
 * bright.
 *
 * @throws {RangeError} If there is no arm, or an arm has no such layer.
 */
export async function kernelSheetPng(
  arms: readonly ArmKernels[],
  { layer, count = 8 }: KernelSheetOptions = {},
): Promise<Uint8Array> {
  const rows = arms.map(({ name, before, after }) => {
    const chosen = layer ?? deepestLayer(after[0]!);
    const layers = [before, after].map(([first]) => layerOf(first!, chosen, name));
    return { name, note: chosen, blocks: layers.map((kernels) => drawn(kernels, count)) };
  });
  return await pictureSheetPng({
    titles: ["before training", "after training"],
    rows,
    cell: [56, 56],
    squares: true,
  });
}

/** The last layer of the stage with most blocks, the later one of equals. */
function deepestLayer(layers: readonly DepthwiseKernels[]): string {
  const stages = Map.groupBy(layers, ({ layer }) => layer.replace(/\.\d+\.dwconv$/, ""));
  const deepest = [...stages.values()].reduce((a, b) => b.length >= a.length ? b : a);
  return deepest.at(-1)!.layer;
}

function layerOf(layers: readonly DepthwiseKernels[], name: string, arm: string): DepthwiseKernels {
  const found = layers.find(({ layer }) => layer === name);
  if (found) return found;
  const names = layers.map(({ layer }) => layer).join(", ");
  throw new RangeError(`Cannot draw kernels of "${name}": ${arm} has ${names}`);
}

/** Kernels of channels that lie evenly apart, and the spectrum of all. */
function drawn(kernels: DepthwiseKernels, count: number): SheetPicture[] {
  const { size, channels, values } = kernels;
  const shown = Math.min(count, channels);
  const pictures = Array.from({ length: shown }, (_, i) => {
    const channel = Math.floor(i * channels / shown);
    const kernel = values.subarray(channel * size * size, (channel + 1) * size * size);
    return { image: signedImage(kernel, { height: size, width: size }) };
  });
  const { side, values: spectrum } = meanSpectrum(kernels);
  return [...pictures, {
    image: brightImage(spectrum, { height: side, width: side }),
    caption: "spectrum",
  }];
}
