/** The caller's end of a thread that makes views. */
import { fromFileUrl } from "@std/path";
import type { CropperAnswer, CropperJob, CropperStart } from "./cropper_worker.ts";
import { readSources, requireUnchanged } from "./thread_sources.ts";
import type { MadeViews, ViewJob, ViewMaker } from "./view_maker.ts";

const url = new URL("./cropper_worker.ts", import.meta.url);
const loaded = readSources(fromFileUrl(url)); // now: this process loads the same files now

/**
 * A maker in a thread of its own, which takes any number of jobs and does one after the other.
 * Dispose ends it.
 *
 * @throws {Error} If its code has been edited since this process started.
 */
export function startCropperThread(start: CropperStart): ViewMaker {
  requireUnchanged(fromFileUrl(url), loaded);
  const worker = new Worker(url, { type: "module", name: "crops" });
  const waiting = new Map<number, PromiseWithResolvers<MadeViews>>();
  let ended: string | undefined;
  let jobs = 0;
  const end = (reason: string) => {
    ended ??= reason;
    worker.terminate();
    waiting.forEach(({ reject }) => reject(new Error(`Cannot make crops: ${ended}`)));
    waiting.clear();
  };
  worker.onmessage = ({ data }: MessageEvent<CropperAnswer>) => {
    waiting.get(data.id)?.resolve(madeViews(data));
    waiting.delete(data.id);
  };
  worker.onerror = (event) => {
    event.preventDefault(); // else it ends the process, and a notebook's kernel with it
    end(`their thread died: ${event.message}`);
  };
  worker.postMessage(start);
  return {
    make(job: ViewJob) {
      if (ended) return Promise.reject(new Error(`Cannot make crops: ${ended}`));
      const message: CropperJob = { id: jobs++, ...job };
      const made = Promise.withResolvers<MadeViews>();
      waiting.set(message.id, made);
      worker.postMessage(message);
      return made.promise;
    },
    [Symbol.dispose]: () => end("the cropper is closed"),
  };
}

const errorTypes: Record<string, new (message: string) => Error> = { RangeError, TypeError };

function madeViews({ damaged, failure }: CropperAnswer): MadeViews {
  if (failure === undefined) return { damaged };
  const { position, message, type } = failure;
  return { damaged, failure: { position, error: new (errorTypes[type] ?? Error)(message) } };
}
