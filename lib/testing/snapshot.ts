/** Drawings as committed files, as Observable Plot tests its figures. */
import { Buffer } from "node:buffer";
import { dirname } from "node:path";
import assert from "node:assert/strict";

/**
 * Fails unless an SVG equals the committed one, with coordinates to three digits. A drawing that
 * changed, or is new, is written beside it as `…-changed.svg`, to be looked at. If it is right,
 * move it over the old one.
 *
 * @param path The committed file, `…/monitor.svg`.
 */
export function assertSvgSnapshot(svg: string, path: string): void {
  const changed = path.replace(/\.svg$/, "-changed.svg");
  const actual = snapshotOf(svg);
  if (actual === textOf(path)) {
    if (textOf(changed) !== undefined) Deno.removeSync(changed);
    return;
  }
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(changed, actual);
  assert.fail(
    `The drawing is not ${path}: look at ${changed}; if it is right, move it over the old one`,
  );
}

/** Whether the border of a PNG is white. If it is not, the drawing is cut off there. */
export async function borderIsWhite(png: Uint8Array): Promise<boolean> {
  const { default: sharp } = await import("sharp");
  const { data, info: { width, height } } = await sharp(Buffer.from(png)).flatten().greyscale()
    .raw().toBuffer({ resolveWithObject: true });
  const at = (x: number, y: number) => data[y * width + x]!;
  for (let x = 0; x < width; x++) if (at(x, 0) < 250 || at(x, height - 1) < 250) return false;
  for (let y = 0; y < height; y++) if (at(0, y) < 250 || at(width - 1, y) < 250) return false;
  return true;
}

/**
 * A form of a drawing to compare: one line for each element, numbers in attributes to three digits,
 * and ids counted from 1.
 */
export function snapshotOf(svg: string): string {
  const ids = new Map<string, string>();
  return svg
    .replace(/plot-clip-\d+/g, (id) => {
      if (!ids.has(id)) ids.set(id, `plot-clip-${ids.size + 1}`);
      return ids.get(id)!;
    })
    .replace(/<[^>]*>/g, (tag) => tag.replace(/-?\d+\.\d+(e-?\d+)?/g, threeDigits))
    .replaceAll("><", ">\n<") + "\n";
}

/** `123.45` → `123`, `0.012345` → `0.0123`. */
function threeDigits(number: string): string {
  const value = Number(number);
  if (Math.abs(value) >= 100) return String(Math.round(value) || 0);
  return String(Number(value.toPrecision(3)) || 0);
}

function textOf(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined;
  }
}
