/** What a detector is told of an image in training. */
import type { Boxes } from "lib/detect/boxes/boxes.ts";

/** In pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** The objects of one image, as the network is shown it: resized and cropped, without the padding of its batch. N of them. */
export interface DetectionTargets extends ImageSize {
  /** `[N, 4]`, in pixels, of positive sides. */
  readonly boxes: Boxes;
  /** `[N]`, 1 … classes − 1; 0 is background. */
  readonly labels: Int32Array;
  /** N bitmaps `[height, width]`, row by row: 1 where the object is, else 0. */
  readonly masks: readonly Uint8Array[];
}
