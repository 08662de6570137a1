/**
 * Outlines of letters and digits from a font's file, so that they are drawn alike on every machine,
 * whatever fonts it has. The library `opentype.js` reads the file.
 */
import { parse } from "opentype.js";

/** What is used of the library, which has no types of its own; DefinitelyTyped's need a browser's. */
interface Font {
  readonly unitsPerEm: number;
  hasChar(character: string): boolean;
  charToGlyph(character: string): { getPath(x: number, y: number, size: number): Path };
}

interface Path {
  readonly commands: readonly unknown[];
  getBoundingBox(): Readonly<Record<"x1" | "y1" | "x2" | "y2", number>>;
  toPathData(decimals: number): string;
}

/** Draws the characters of one font. */
export interface FontOutlines {
  /**
   * An SVG of one character, black, cut to its outline's box.
   *
   * @throws {RangeError} If the font does not have the character, or it has no outline.
   */
  svg(character: string): string;
}

/**
 * Opens a font.
 *
 * @param name Of the font, for messages: `DejaVuSans`.
 * @throws {Error} If the file is no font.
 */
export function openFont(file: Uint8Array<ArrayBuffer>, name: string): FontOutlines {
  const font = parsed(file, name);
  return {
    svg(character) {
      const outline = font.charToGlyph(character).getPath(0, 0, font.unitsPerEm);
      if (!font.hasChar(character) || outline.commands.length === 0) {
        throw new RangeError(`Cannot draw "${character}": ${name} has no outline of it`);
      }
      const { x1, y1, x2, y2 } = outline.getBoundingBox();
      const [width, height] = [x2 - x1, y2 - y1];
      return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x1} ${y1} ${width} ${height}" ` +
        `width="${width}" height="${height}"><path d="${outline.toPathData(2)}"/></svg>`;
    },
  };
}

function parsed(file: Uint8Array<ArrayBuffer>, name: string): Font {
  try {
    return parse(file.buffer);
  } catch (error) {
    throw new Error(`Cannot read the font ${name}: ${(error as Error).message.trim()}`);
  }
}
