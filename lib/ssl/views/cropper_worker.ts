/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
/** The code of a thread that makes views for `cropper.ts`, together with other threads. */
import type { Damage } from "lib/datasets/pictures/picture_reader.ts";
import { createRng, type Rng } from "lib/rng.ts";
import {
  createViewMaker,
  type ViewJob,
  type ViewMaker,
  type ViewMakerOptions,
} from "./view_maker.ts";

/**
 * The first message to the thread: what is the same for all batches. Pixels are in shared memory.
 */
export interface CropperStart extends Omit<ViewMakerOptions, "rng"> {
  /** {@linkcode Rng.path} of the cropper's random stream. */
  readonly rngPath: string;
}

/**
 * Every later message: a batch, of which this thread makes the images that no other thread has
 * begun.
 */
export interface CropperJob extends ViewJob {
  readonly id: number;
}

/**
 * The answer to a job. A message cannot hold an error with its class, so the class is sent by name.
 */
export interface CropperAnswer {
  readonly id: number;
  readonly damaged: readonly Damage[];
  readonly failure?: { readonly position: number; readonly message: string; readonly type: string };
}

let maker: ViewMaker | undefined;
// The end of the latest job: jobs are done one after the other, in the order of their messages.
let last: Promise<void> = Promise.resolve();

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
 * The random stream with this path. One fork by the joined names gives the same path as a fork by
 * each name in turn, and so the same stream.
 */
function streamAt(path: string): Rng {
  const slash = path.indexOf("/");
  if (slash < 0) return createRng(Number(path));
  return createRng(Number(path.slice(0, slash))).fork(path.slice(slash + 1));
}
