/** Hue shift by way of Pillow's 8-bit HSV, whose rounding is part of what torchvision's users train with. */
import type { Raster } from "lib/augment/raster.ts";

/**
 * Turns every hue, in place.
 *
 * @param turns In turns, −0.5 to 0.5; quantised to 1/255 towards zero, as torchvision does.
 * @throws {RangeError} If `turns` is outside that range.
 */
export function shiftHue({ data, channels }: Raster, turns: number): void {
  if (!(Math.abs(turns) <= 0.5)) {
    throw new RangeError(`Cannot shift the hue by ${turns} turns: need -0.5 to 0.5`);
  }
  if (channels === 1) return;
  const shift = Math.trunc(turns * 255);
  const hues = hueTable ??= computeHueTable();
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i]!;
    const g = data[i + 1]!;
    const b = data[i + 2]!;
    const max = r > g ? (r > b ? r : b) : (g > b ? g : b);
    const min = r < g ? (r < b ? r : b) : (g < b ? g : b);
    const chroma = max - min;
    if (chroma === 0) continue; // grey has no hue, and comes back as it was
    const third = r === max ? 0 : g === max ? 1 : 2;
    const ahead = third === 0 ? g - b : third === 1 ? b - r : r - g;
    const at = hues[third * 0x1_0000 + chroma * (chroma + 1) + ahead]! + shift & 255;
    const depth = max * FRACTION[(Math.fround(chroma / max) * 255) | 0]!;
    const top = max + 0.5;
    data[i] = (top - depth * RED[at]!) | 0;
    data[i + 1] = (top - depth * GREEN[at]!) | 0;
    data[i + 2] = (top - depth * BLUE[at]!) | 0;
  }
}

/**
 * The hue byte by the channel that is largest (R, G, B), by chroma c and by the difference d of the two other
 * channels, at `c·(c + 1) + d`: one table of 192 KiB for two divisions a pixel.
 */
let hueTable: Uint8Array | undefined;

function computeHueTable(): Uint8Array {
  const table = new Uint8Array(3 * 0x1_0000);
  for (let third = 0; third < 3; third++) {
    for (let chroma = 1; chroma < 256; chroma++) {
      for (let ahead = -chroma; ahead <= chroma; ahead++) {
        table[third * 0x1_0000 + chroma * (chroma + 1) + ahead] = hueByte(third, chroma, ahead);
      }
    }
  }
  return table;
}

/** In single precision as Pillow: where h · 255 is whole, the last bit decides between two bytes. */
function hueByte(third: number, chroma: number, ahead: number): number {
  const near = Math.fround((chroma - Math.abs(ahead)) / chroma); // of the middle channel to the largest
  const [plus, minus] = ahead >= 0 ? [1, near] : [near, 1];
  const h = Math.fround(2 * third + plus - minus);
  return (Math.fround((h / 6 + 1) % 1) * 255) | 0;
}

/** Bytes as fractions. */
const FRACTION = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** `[256]`, by the hue byte: which part of the saturation each channel loses, 0 for the largest, 1 for the smallest. */
const [RED, GREEN, BLUE] = [0, 2, 4].map((center) =>
  Float64Array.from({ length: 256 }, (_, hue) => {
    const distance = Math.abs((hue * 6 / 255 - center + 9) % 6 - 3); // sixths of a turn, 0 to 3
    return Math.min(Math.max(distance - 1, 0), 1);
  })
) as [Float64Array, Float64Array, Float64Array];
