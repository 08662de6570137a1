/**
 * The kernels of `src/views/`: they make a view of an image in one call, several times as fast as
 * the functions of `lib/augment`, with the same bits. They need no TensorFlow, so threads that make
 * crops load this library alone.
 */
import { newestLibrary } from "lib/native/_library.ts";

/** 8-bit pixels, `[height, width, channels]`. */
interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A region of an image, in pixels and fractions of pixels. */
interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const jitterOps = ["brightness", "contrast", "saturation", "hue"] as const;

/** All parameters of a view; units as in `lib/augment`. */
export interface NativeViewParams {
  readonly box: Region;
  readonly flip: boolean;
  readonly jitter:
    | Readonly<Record<typeof jitterOps[number], number>> & {
      readonly order: readonly typeof jitterOps[number][];
    }
    | undefined;
  readonly grayscale: boolean;
  readonly blurRadius: number | undefined;
  readonly solarize: boolean;
}

/**
 * Compiled code that checks no bounds: callers check that boxes lie inside the image and that
 * outputs are large enough.
 */
export interface NativeViews {
  /**
   * Writes the normalised values of a view, `[size, size, 3]`. @param values `[3, 256]`, one for
   * each byte of each channel.
   */
  view(
    image: Pixels,
    params: NativeViewParams,
    size: number,
    values: Float32Array,
    out: Float32Array,
  ): void;
  /** Resizes a region to fill `out`, which has as many channels as `image`. */
  resizedCrop(image: Pixels, box: Region, out: Pixels): void;
}

/** The compiled functions; `undefined` where there is no library, or `BCSSL_NATIVE` is off. */
export const nativeViews: NativeViews | undefined = load();

function load(): NativeViews | undefined {
  const path = Deno.env.get("BCSSL_NATIVE") === "off" ? undefined : newestLibrary("views");
  if (path === undefined) return undefined;
  try {
    const { symbols } = Deno.dlopen(
      path,
      {
        bcssl_view: {
          parameters: ["buffer", "i32", "i32", "i32", "buffer", "i32", "buffer", "buffer"],
          result: "void",
        },
        bcssl_resized_crop: {
          parameters: ["buffer", "i32", "i32", "i32", "buffer", "i32", "i32", "buffer"],
          result: "void",
        },
      } as const,
    );
    return {
      view({ data, width, height, channels }, params, size, values, out) {
        pack(params);
        symbols.bcssl_view(
          asBuffer(data),
          width,
          height,
          channels,
          packed,
          size,
          asBuffer(values),
          asBuffer(out),
        );
      },
      resizedCrop({ data, width, height, channels }, box, out) {
        const region = Float64Array.of(box.left, box.top, box.width, box.height);
        symbols.bcssl_resized_crop(
          asBuffer(data),
          width,
          height,
          channels,
          region,
          out.width,
          out.height,
          asBuffer(out.data),
        );
      },
    };
  } catch {
    return undefined; // compiled for another machine: the functions of lib/augment do the work
  }
}

/**
 * Shared memory as a buffer: compiled code may read it, since it returns before anyone else may
 * write to it.
 */
function asBuffer<T extends Uint8Array | Float32Array>(view: T): BufferSource {
  return view as unknown as BufferSource;
}

const packed = new Float64Array(17); // laid out as struct Params in views.cc

function pack({ box, flip, jitter, grayscale, blurRadius, solarize }: NativeViewParams): void {
  packed.set([box.left, box.top, box.width, box.height]);
  packed.set([Number(flip), Number(grayscale), blurRadius ?? -1, Number(solarize)], 4);
  packed[8] = Number(jitter !== undefined);
  if (!jitter) return;
  packed.set([jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue], 9);
  packed.set(jitter.order.map((op) => jitterOps.indexOf(op)), 13);
}
