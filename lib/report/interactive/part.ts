/**
 * Outputs that a reader can act on: HTML, a drawing and a script in one piece, which needs neither
 * network nor server nor kernel, and so works in an exported page too.
 */
import { megabytes } from "lib/runs/megabytes.ts";
import { sha256 } from "lib/runs/run_package.ts";
import { escapeXml } from "lib/report/draw/text.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";

/** The scripts, each with the files that it is made of, in order. */
const scripts = {
  predict: ["parts.js", "choices.js", "predict.js"],
  curve: ["parts.js", "choices.js", "curve_places.js", "curve.js"],
  revealChoice: ["parts.js", "choices.js", "reveal_choice.js"],
  revealCurve: ["parts.js", "choices.js", "curve_places.js", "reveal_curve.js"],
  slider: ["parts.js", "slider.js"],
  kernel: ["parts.js", "kernel.js"],
  patches: ["parts.js", "patch_cosines.js", "patch_grid.js", "patches.js"],
  figure: ["parts.js", "figure.js"],
} as const satisfies Record<string, readonly string[]>;

/** An output before it is put together. */
export interface OutputPart {
  /** Which script acts on it. */
  readonly kind: keyof typeof scripts;
  /**
   * What stands there before the script runs, and remains where none may run: it must say
   * everything that matters.
   */
  readonly body: string;
  /** What the script gets; of JSON types. */
  readonly data: object;
  /** For programs that show text only. */
  readonly text: string;
  /** PNG as base64, for programs that show neither HTML nor SVG. */
  readonly png?: string;
}

/** Largest size of an output, in characters. */
const most = 1_000_000;

/**
 * Puts an output together.
 *
 * @throws {RangeError} If it would have more than 1 MB.
 */
export function partOutput({ kind, body, data, text, png }: OutputPart): DisplayData {
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  const name = sha256(new TextEncoder().encode(kind + body + json)).slice(0, 12);
  // a figure stands without a frame
  const [look, styles] = kind === "figure"
    ? ["bcssl-figure", "figure.css"]
    : ["bcssl-part", "parts.css"];
  const html = `<div class="${look}" data-part="${name}">` +
    `<style>${asset(styles)}</style>${body}` +
    `<script>(() => {\n${scriptOf(kind)}drawPart("${name}", ${json});\n})();</script></div>`;
  const output = {
    "text/html": html,
    ...(png === undefined ? {} : { "image/png": png }),
    "text/plain": text,
  };
  const size = Object.values(output).reduce((sum, { length }) => sum + length, 0);
  if (size <= most) return output;
  throw new RangeError(
    `Cannot show this output: it would have ${megabytes(size)} MB, at most 1 is allowed; ` +
      "show fewer or smaller pictures",
  );
}

/** The address of an SVG that stands in a page itself; a script can put the drawing in its place. */
export function svgAddress(svg: string): string {
  return `data:image/svg+xml;base64,${new TextEncoder().encode(svg).toBase64()}`;
}

/** An image with its description in words. */
export function imageOf(address: string, alt: string): string {
  return `<img alt="${escapeXml(alt)}" src="${address}">`;
}

/** The files of a script as one text, without comments: it stands in every output. */
function scriptOf(kind: OutputPart["kind"]): string {
  return scripts[kind].map((file) =>
    asset(file).replaceAll(/^import .*$/gm, "").replaceAll(/^export /gm, "")
      .replaceAll(/^ *\/\*\*[^]*?\*\/\n/gm, "")
  ).join("\n").replaceAll(/\n{2,}/g, "\n");
}

function asset(file: string): string {
  return Deno.readTextFileSync(new URL(file, import.meta.url));
}
