/** Pictures of one thing at several moments or sizes, with a slider to move among them. */
import { type Figure, toSvg } from "lib/report/draw/plot.ts";
import { escapeText } from "lib/report/draw/text.ts";
import { show } from "lib/report/notebook/jupyter.ts";
import type { DisplayData } from "lib/report/notebook/outbox.ts";
import { imageOf, partOutput, svgAddress } from "./part.ts";

/** One position of a slider. */
export interface SliderFrame {
  /** The position in words: `9×9`, `step 1,040`. */
  readonly at: string;
  /** A figure, or the bytes of a PNG. All frames should have one size. */
  readonly picture: Figure | Uint8Array;
  /** What to see there, in a sentence; by default nothing. */
  readonly says?: string;
}

/** What a slider is called, and where it stands at first. */
export interface SliderOptions {
  /** What changes: `kernel size`. */
  readonly label: string;
  /** Index of the frame that is shown first, and alone where no script may run; by default the last. */
  readonly start?: number;
}

/**
 * Shows one of several pictures, and a slider that chooses among them, by pointer or arrow keys.
 * The output holds all pictures, so it works in an exported page.
 *
 * @throws {RangeError} If there are fewer than two frames, `start` is none of them, or the output
 *   would have more than 1 MB.
 *
 * @example
 * ```ts
 * import { imageGridPng, slider } from "lib/report/mod.ts";
 * import { assertEquals } from "lib/testing/assert.ts";
 *
 * const square = (level: number) => ({ height: 2, width: 2, pixels: new Uint8Array(12).fill(level) });
 * const frames = [];
 * for (const level of [0, 128, 255]) {
 *   const picture = await imageGridPng(square(level), { columns: 1 });
 *   frames.push({ at: `level ${level}`, picture, says: "all pixels are equal" });
 * }
 * await slider(frames, { label: "brightness" });
 * assertEquals(frames.length, 3);
 * ```
 */
export async function slider(
  frames: readonly SliderFrame[],
  options: SliderOptions,
): Promise<void> {
  await show(sliderOutput(frames, options));
}

/** The output of {@linkcode slider}. @throws As it does. */
export function sliderOutput(
  frames: readonly SliderFrame[],
  { label, start = frames.length - 1 }: SliderOptions,
): DisplayData {
  const first = frames[start];
  if (frames.length < 2 || first === undefined) {
    throw new RangeError(
      `Cannot slide over ${frames.length} pictures from number ${start}: need two or more, and one of them`,
    );
  }
  const words = ({ at, says }: SliderFrame) => `${label} ${at}${says ? `: ${says}` : ""}`;
  const positions = frames.map(({ at, says = "", picture }, i) => ({
    ...{ at, says, src: i === start ? "" : addressOf(picture) },
  }));
  return partOutput({
    kind: "slider",
    body: imageOf(addressOf(first.picture), words(first)) +
      `<p class="said">${escapeText(words(first))}</p>`,
    data: { label, start, frames: positions },
    text: frames.map(words).join("\n"),
  });
}

function addressOf(picture: Figure | Uint8Array): string {
  return picture instanceof Uint8Array
    ? `data:image/png;base64,${picture.toBase64()}`
    : svgAddress(toSvg(picture));
}
