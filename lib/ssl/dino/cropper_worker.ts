/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** A thread that makes batches of crops for `cropper.ts`. Whatever it has to say goes through messages. */
import { createRng, type Rng } from "lib/rng.ts";
import { cropBatch, type CropRecipe, type CropSource } from "lib/ssl/dino/crops.ts";

/** The first message: everything that all batches share. The pixels are shared memory. */
export interface CropperStart {
  readonly source: CropSource;
  readonly recipe: CropRecipe;
  /** {@linkcode Rng.path} of the cropper's stream. */
  readonly rngPath: string;
}

/** Every later message: one batch. */
export interface CropperJob {
  readonly id: number;
  readonly indices: Uint32Array;
  readonly step: number;
}

/** The answer to a job. An error cannot be sent whole: its class travels by name. */
export type CropperAnswer =
  | { readonly id: number; readonly images: number; readonly views: [Float32Array, Float32Array] }
  | { readonly id: number; readonly error: string; readonly type: string };

let start: CropperStart & { readonly rng: Rng } | undefined;

self.onmessage = ({ data }: MessageEvent<CropperStart | CropperJob>) => {
  if ("source" in data) start = { ...data, rng: streamAt(data.rngPath) };
  else work(data);
};

function work({ id, indices, step }: CropperJob): void {
  try {
    if (!start) throw new Error(`Cannot make the crops of step ${step}: no images yet`);
    const { source, recipe, rng } = start;
    const { images, global, local } = cropBatch(source, indices, recipe, rng.fork(step));
    answer({ id, images, views: [global, local] }, [global.buffer, local.buffer]);
  } catch (error) {
    const { message, name } = error as Error;
    answer({ id, error: message, type: name });
  }
}

function answer(message: CropperAnswer, moved: ArrayBufferLike[] = []): void {
  self.postMessage(message, moved as ArrayBuffer[]);
}

/** The stream of this path: forking by the joined names gives the path, and so the stream, that forking by each gives. */
function streamAt(path: string): Rng {
  const slash = path.indexOf("/");
  if (slash < 0) return createRng(Number(path));
  return createRng(Number(path.slice(0, slash))).fork(path.slice(slash + 1));
}
