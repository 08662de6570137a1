/**
 * Hue shift in Pillow's 8-bit HSV. Its rounding is reproduced, because networks that are trained
 * with torchvision see it.
 */
import type { Raster } from "./raster.ts";

/**
 * Shifts every hue, in place.
 *
 * @param turns The shift in turns of the colour circle, −0.5 to 0.5. It is truncated to 1/255, as
 * in torchvision.
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
    if (chroma === 0) continue; // grey has no hue and stays as it is
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
 * The hue as a byte, for the largest channel (R, G or B), the chroma c and the difference d of the
 * two other channels, at index `c·(c + 1) + d` of that channel's part. The table of 192 KiB saves
 * two divisions a pixel.
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

/**
 * The hue as a byte, in single precision as in Pillow: where h · 255 is an integer, the last bit
 * decides between two bytes.
 */
function hueByte(third: number, chroma: number, ahead: number): number {
  // how near the middle channel is to the largest, 0 to 1
  const near = Math.fround((chroma - Math.abs(ahead)) / chroma);
  const [plus, minus] = ahead >= 0 ? [1, near] : [near, 1];
  const h = Math.fround(2 * third + plus - minus);
  return (Math.fround((h / 6 + 1) % 1) * 255) | 0;
}

/** `[256]`, each byte divided by 255. */
const FRACTION = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/**
 * `[256]` each, by the hue as a byte: the share of the chroma by which a channel lies below the
 * largest channel. It is 0 for the largest channel itself and 1 for the smallest.
 */
const [RED, GREEN, BLUE] = [0, 2, 4].map((center) =>
  Float64Array.from({ length: 256 }, (_, hue) => {
    const distance = Math.abs((hue * 6 / 255 - center + 9) % 6 - 3); // sixths of a turn, 0 to 3
    return Math.min(Math.max(distance - 1, 0), 1);
  })
) as [Float64Array, Float64Array, Float64Array];
