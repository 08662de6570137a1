/**
 * The look of figures, and their way to SVG and PNG. Only this file gives Plot a DOM to draw in.
 */
import { Buffer } from "node:buffer";
import { dirname, fromFileUrl, join } from "@std/path";
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { escapeXml } from "./text.ts";

/** Options of Plot's own `plot`: https://observablehq.com/plot/features/plots. */
export type PlotOptions = NonNullable<Parameters<typeof import("@observablehq/plot")["plot"]>[0]>;

/** Options of a scale and its axis, such as `x`: https://observablehq.com/plot/features/scales. */
export type ScaleOptions = NonNullable<PlotOptions["x"]>;

// deno-lint-ignore no-explicit-any -- Deno's types have no DOM
const { document } = parseHTML("<!doctype html><html><body></body></html>") as any;

/** The part of Plot's result that we use. A notebook shows it as a cell's last expression. */
export interface Figure {
  /** Markup of the figure: one `<svg>` element. */
  readonly outerHTML: string;
}

/**
 * Okabe and Ito's colours, which can be told apart with any colour vision, on screen and on paper;
 * in the order to use them. Yellow is left out, as it is too light on white.
 */
export const colours = {
  blue: "#0072B2",
  vermilion: "#D55E00",
  green: "#009E73",
  orange: "#E69F00",
  purple: "#CC79A7",
  sky: "#56B4E9",
  black: "#000000",
} as const;
/** The same colours as a list, for Plot's `range`. */
export const categorical: readonly string[] = Object.values(colours);
/** Colour of axes, and of marks for comparison only. */
export const grey = "#666666";
/** Fonts: PNGs are drawn with DejaVu Sans on every machine; a browser without it takes the next. */
export const fontFamily = "DejaVu Sans, Verdana, Helvetica, Arial, sans-serif";

/**
 * Plot's own `plot` with this project's look: 13-pixel text, Okabe–Ito colours. Options are Plot's,
 * and override the look.
 *
 * @example
 * ```ts
 * import { colours, plot } from "lib/report/mod.ts";
 * import * as Plot from "@observablehq/plot";
 * import { assertTrue } from "lib/testing/assert.ts";
 *
 * const figure = plot({ marks: [Plot.dot([[1, 2], [2, 3]], { fill: colours.blue })] });
 * assertTrue(figure.outerHTML.startsWith("<svg"), "a cell that ends in it shows it");
 * ```
 */
export function plot({ style, x, ...options }: PlotOptions): Figure {
  return Plot.plot({
    document,
    width: 640,
    color: { range: [...categorical] },
    ...options,
    ...(x === undefined ? {} : { x: { ...labelInside(options.marginBottom), ...x } }),
    style: { fontFamily, fontSize: "13px", background: "white", ...style as object },
  });
}

/**
 * Lifts the label of the x axis by two pixels: at Plot's own place, the tails of p and g are cut.
 */
function labelInside(marginBottom: number | undefined): ScaleOptions {
  return marginBottom === undefined ? {} : { labelOffset: marginBottom - 5 };
}

/** An axis label without Plot's arrow. In the centre of an x axis it does not touch the numbers. */
export function axisLabel(label: string, labelAnchor: "center" | "top"): ScaleOptions {
  return { label, labelAnchor, labelArrow: "none" };
}

/**
 * Puts figures in a grid, row by row, as one figure. `width` and `height` of a cell are in pixels.
 */
export function gridOf(
  figures: readonly Figure[],
  { columns, width, height, header = "" }: {
    readonly columns: number;
    readonly width: number;
    readonly height: number;
    /** SVG drawn above the grid, 28 pixels high. */
    readonly header?: string;
  },
): Figure {
  const top = header === "" ? 0 : 28;
  const rows = Math.ceil(figures.length / columns);
  const [w, h] = [Math.min(columns, figures.length) * width, top + rows * height];
  const cells = figures.map(({ outerHTML }, i) => {
    const [x, y] = [(i % columns) * width, top + Math.floor(i / columns) * height];
    return outerHTML.replace("<svg", `<svg x="${x}" y="${y}"`);
  });
  return {
    outerHTML:
      `<svg width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" font-family="${fontFamily}"` +
      ` font-size="13">${header}${cells.join("")}</svg>`,
  };
}

/** Puts figures of one width below each other, as one figure. Widths and heights are in pixels. */
export function stackOf(
  figures: readonly (Figure & { readonly height: number })[],
  { width, header = "" }: {
    readonly width: number;
    /** SVG drawn above them, 28 pixels high. */
    readonly header?: string;
  },
): Figure {
  let y = header === "" ? 0 : 28;
  const placed = figures.map(({ outerHTML, height }) => {
    const at = y;
    y += height;
    return outerHTML.replace("<svg", `<svg y="${at}"`);
  });
  return {
    outerHTML: `<svg width="${width}" height="${y}" viewBox="0 0 ${width} ${y}" ` +
      `font-family="${fontFamily}" font-size="13">${header}${placed.join("")}</svg>`,
  };
}

/**
 * A figure as a complete SVG file on white.
 *
 * @throws {TypeError} If it is not a single SVG: with `title`, `caption` or a legend, Plot makes
 *   HTML around it.
 */
export function toSvg(figure: Figure): string {
  const markup = figure?.outerHTML;
  if (typeof markup !== "string" || !markup.startsWith("<svg")) {
    const what = typeof markup === "string" ? markup.slice(0, 8) : typeof figure;
    throw new TypeError(
      `Cannot draw a figure: need one SVG, got "${what}"; leave out Plot's title, caption and legend`,
    );
  }
  const open = markup.slice(0, markup.indexOf(">") + 1);
  const namespaced = open.includes("xmlns=")
    ? open
    : open.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"');
  const body = markup.slice(open.length)
    .replaceAll("&nbsp;", "&#160;") // HTML's name, unknown to XML
    .replace(/ d="[^"]+"/g, (path) => path.replace(/(\.\d)\d+/g, "$1")); // tenths of a pixel, a third smaller
  return `${namespaced}<rect width="100%" height="100%" fill="white"/>${body}`;
}

/**
 * Draws an SVG as a PNG at twice its size in pixels, sharp on dense screens and in print.
 *
 * @param options.colours Size of the palette; 16 colours halve the file, and make edges of text a
 *   little rougher.
 */
export async function toPng(svg: string, { colours = 64 } = {}): Promise<Uint8Array> {
  provideFonts();
  const { default: sharp } = await import("sharp");
  const image = sharp(Buffer.from(svg), { density: 144 }); // an SVG pixel is 1/72 inch here
  const { buffer, byteOffset, byteLength } = await image.png({ palette: true, colours, dither: 0 })
    .toBuffer();
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

let fontsProvided = false;

/**
 * Provides the font for PNGs. Without a font on the machine, text is missing from a PNG; with
 * another font, figures differ. So a package brings the font. The library reads its settings when
 * it draws the first text. If FONTCONFIG_FILE is already set, it is respected.
 */
export function provideFonts(): void {
  if (fontsProvided) return;
  fontsProvided = true;
  if (Deno.env.get("FONTCONFIG_FILE")) return;
  const ttf = dirname(fromFileUrl(import.meta.resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf")));
  const cache = join(
    dirname(fromFileUrl(import.meta.url)),
    "..",
    "..",
    "..",
    "node_modules",
    ".cache",
    "fonts",
  );
  Deno.mkdirSync(cache, { recursive: true });
  const path = join(cache, "fonts.conf");
  const partial = `${path}.${Deno.pid}.partial`;
  Deno.writeTextFileSync(
    partial,
    `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n` +
      `<fontconfig><dir>${escapeXml(ttf)}</dir><cachedir>${
        escapeXml(cache)
      }</cachedir></fontconfig>\n`,
  );
  Deno.renameSync(partial, path);
  Deno.env.set("FONTCONFIG_FILE", path);
}
