/** COCO's compressed masks: run lengths as printable text. */
import { checkRle, type Rle } from "./rle.ts";

/** A compressed mask as in COCO's files. */
export interface CompressedRle {
  readonly size: readonly [height: number, width: number];
  /**
   * The runs as text. From the fourth on, the difference to the run two before is written instead.
   * A number is written in groups of 5 bits, low bits first, each as a character from `0` on.
   */
  readonly counts: string;
}

/** Compresses a mask. */
export function compressRle({ height, width, counts }: Rle): CompressedRle {
  let text = "";
  for (let i = 0; i < counts.length; i++) {
    let rest = i > 2 ? counts[i]! - counts[i - 2]! : counts[i]!;
    for (let more = true; more;) {
      const bits = rest & 0x1f;
      rest >>= 5;
      more = rest !== (bits & 0x10 ? -1 : 0); // ends once only copies of the sign bit are left
      text += String.fromCharCode(48 + bits + (more ? 0x20 : 0));
    }
  }
  return { size: [height, width], counts: text };
}

/**
 * Decompresses a mask.
 *
 * @throws {RangeError} If the text ends within a number or has an invalid character, if a run is
 *   negative, or if the runs do not add up to H · W.
 */
export function decompressRle({ size: [height, width], counts: text }: CompressedRle): Rle {
  const counts: number[] = [];
  let [value, shift] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at) - 48;
    if (code < 0 || code > 63 || shift > 30) throw unreadable(text, at);
    value |= (code & 0x1f) << shift;
    shift += 5;
    if (code & 0x20) continue;
    if (code & 0x10 && shift < 32) value |= -1 << shift;
    const run = value + (counts.length > 2 ? counts.at(-2)! : 0);
    if (run < 0) throw unreadable(text, at);
    counts.push(run);
    [value, shift] = [0, 0];
  }
  if (shift > 0) throw unreadable(text, text.length);
  return checkRle({ height, width, counts: Uint32Array.from(counts) });
}

function unreadable(text: string, at: number): RangeError {
  return new RangeError(
    `Cannot decompress a mask: its text of ${text.length} characters is wrong at character ${at}`,
  );
}
