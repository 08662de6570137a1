/**
 * The kernels of `src/views.cc`: a view of an image in one call, several times as fast as the functions of `lib/augment`
 * and the same to the last bit. Needs no TensorFlow, so threads that make crops load it alone.
 */
import { newestLibrary } from "lib/native/_library.ts";

/** 8-bit pixels, `[height, width, channels]`. */
interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A region of an image, in pixels, not necessarily whole ones. */
interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const jitterOps = ["brightness", "contrast", "saturation", "hue"] as const;

/** Everything that decides a view; units as in `lib/augment`. */
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

/** Compiled code that knows nothing of bounds: callers have checked that boxes lie inside and that there is room. */
export interface NativeViews {
  /** Writes the view's normalised values, `[size, size, 3]`. @param values `[3, 256]`, one for every byte of a channel. */
  view(
    image: Pixels,
    params: NativeViewParams,
    size: number,
    values: Float32Array,
    out: Float32Array,
  ): void;
  /** Resizes a region to fill `out`, which has the channels of `image`. */
  resizedCrop(image: Pixels, box: Region, out: Pixels): void;
}

/** `undefined` where there is no compiled library, or `BCSSL_NATIVE` is off. */
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
    return undefined; // compiled for another machine: the plain functions do the work
  }
}

/** Shared memory is memory to compiled code, which returns before anyone else may write to it. */
function asBuffer<T extends Uint8Array | Float32Array>(view: T): BufferSource {
  return view as unknown as BufferSource;
}

const packed = new Float64Array(17); // as struct Params

function pack({ box, flip, jitter, grayscale, blurRadius, solarize }: NativeViewParams): void {
  packed.set([box.left, box.top, box.width, box.height]);
  packed.set([Number(flip), Number(grayscale), blurRadius ?? -1, Number(solarize)], 4);
  packed[8] = Number(jitter !== undefined);
  if (!jitter) return;
  packed.set([jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue], 9);
  packed.set(jitter.order.map((op) => jitterOps.indexOf(op)), 13);
}
