/** Hue shift by way of Pillow's 8-bit HSV, whose rounding is part of what torchvision's users train with. */
import type { Raster } from "lib/augment/raster.ts";

/**
 * Turns every hue, in place.
 *
 * @param turns In turns, −0.5 to 0.5; quantised to 1/256 towards zero, as torchvision does.
 * @throws {RangeError} If `turns` is outside that range.
 */
export function shiftHue({ data, channels }: Raster, turns: number): void {
  if (!(Math.abs(turns) <= 0.5)) {
    throw new RangeError(`Cannot shift the hue by ${turns} turns: need -0.5 to 0.5`);
  }
  if (channels === 1) return;
  const shift = Math.trunc(turns * 255);
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    const max = r > g ? (r > b ? r : b) : (g > b ? g : b);
    const min = r < g ? (r < b ? r : b) : (g < b ? g : b);
    if (max === min) continue; // grey has no hue, and comes back as it was
    const chroma = max - min;
    const saturation = (Math.fround(chroma / max) * 255) | 0;
    if (saturation === 0) {
      data[i] = data[i + 1] = data[i + 2] = max;
      continue;
    }
    const hue = (hueOf(r, g, b, max, chroma) + shift) & 255;
    const sector = SECTOR[hue]!;
    const fraction = FRACTION[hue]!;
    const s = Math.fround(saturation / 255);
    const p = (max * (1 - s) + 0.5) | 0;
    const q = (max * (1 - s * fraction) + 0.5) | 0;
    const t = (max * (1 - s * (1 - fraction)) + 0.5) | 0;
    data[i] = sector === 0 || sector === 5 ? max : sector === 1 ? q : sector === 4 ? t : p;
    data[i + 1] = sector === 1 || sector === 2 ? max : sector === 0 ? t : sector === 3 ? q : p;
    data[i + 2] = sector === 3 || sector === 4 ? max : sector === 2 ? t : sector === 5 ? q : p;
  }
}

/** The hue byte, 0–255, in single precision as Pillow: one last bit decides between two bytes. */
function hueOf(r: number, g: number, b: number, max: number, chroma: number): number {
  const rc = Math.fround((max - r) / chroma);
  const gc = Math.fround((max - g) / chroma);
  const bc = Math.fround((max - b) / chroma);
  const h = Math.fround(r === max ? bc - gc : g === max ? 2 + rc - bc : 4 + gc - rc);
  const turn = h / 6 + 1;
  return (Math.fround(turn >= 1 ? turn - 1 : turn) * 255) | 0;
}

const SECTOR = Uint8Array.from({ length: 256 }, (_, hue) => Math.floor(hue * 6 / 255) % 6);
const FRACTION = Float32Array.from(
  { length: 256 },
  (_, hue) => hue * 6 / 255 - Math.floor(hue * 6 / 255),
);
