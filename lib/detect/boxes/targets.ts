/** Targets: what a detector learns from an image. */
import type { Boxes } from "lib/detect/boxes/boxes.ts";

/** Size in pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/**
 * The N objects of one image as the network sees it: resized and cropped, without the padding of
 * its batch.
 */
export interface DetectionTargets extends ImageSize {
  /** `[N, 4]`, in pixels, with positive sides. */
  readonly boxes: Boxes;
  /** `[N]`, 1 to classes − 1; 0 is background. */
  readonly labels: Int32Array;
  /** N bitmaps `[height, width]`, row by row: 1 on the object, else 0. */
  readonly masks: readonly Uint8Array[];
}
