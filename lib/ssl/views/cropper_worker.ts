/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/**
 * A thread that makes views for `cropper.ts`, together with others. It answers by messages only.
 */
import type { Damage } from "lib/datasets/pictures/picture_reader.ts";
import { createRng, type Rng } from "lib/rng.ts";
import {
  createViewMaker,
  type ViewJob,
  type ViewMaker,
  type ViewMakerOptions,
} from "./view_maker.ts";

/**
 * The first message: everything that all batches share. Pixels and indices are in shared memory.
 */
export interface CropperStart extends Omit<ViewMakerOptions, "rng"> {
  /** {@linkcode Rng.path} of the cropper's stream. */
  readonly rngPath: string;
}

/** Every later message: one batch, in which this thread makes what others leave it. */
export interface CropperJob extends ViewJob {
  readonly id: number;
}

/** The answer to a job. An error cannot be sent whole: its class travels by name. */
export interface CropperAnswer {
  readonly id: number;
  readonly damaged: readonly Damage[];
  readonly failure?: { readonly position: number; readonly message: string; readonly type: string };
}

let maker: ViewMaker | undefined;
let last: Promise<void> = Promise.resolve(); // one job after the other, in the order of their messages

self.onmessage = ({ data }: MessageEvent<CropperStart | CropperJob>) => {
  if ("source" in data) maker = createViewMaker({ ...data, rng: streamAt(data.rngPath) });
  else last = last.then(() => work(data));
};

async function work({ id, ...job }: CropperJob): Promise<void> {
  const { damaged, failure } = await maker!.make(job);
  const answer: CropperAnswer = failure
    ? {
      id,
      damaged,
      failure: {
        position: failure.position,
        message: failure.error.message,
        type: failure.error.name,
      },
    }
    : { id, damaged };
  self.postMessage(answer);
}

/**
 * The stream of this path: forking by the joined names gives the path, and so the stream, that
 * forking by each gives.
 */
function streamAt(path: string): Rng {
  const slash = path.indexOf("/");
  if (slash < 0) return createRng(Number(path));
  return createRng(Number(path.slice(0, slash))).fork(path.slice(slash + 1));
}
