/** A thread that makes views, as the caller sees it. */
import { fromFileUrl } from "@std/path";
import type { CropperAnswer, CropperJob, CropperStart } from "./cropper_worker.ts";
import { readSources, requireUnchanged } from "./thread_sources.ts";
import type { MadeViews, ViewJob, ViewMaker } from "./view_maker.ts";

const url = new URL("./cropper_worker.ts", import.meta.url);
// The thread's source files as they are now, while this process loads the same files.
const sources = readSources(fromFileUrl(url));

/**
 * Starts a maker in a thread of its own. It does its jobs one after the other. Disposing of it ends
 * the thread.
 *
 * @throws {Error} If the thread's code has been edited since this process started.
 */
export function startCropperThread(start: CropperStart): ViewMaker {
  requireUnchanged(fromFileUrl(url), sources);
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
    event.preventDefault(); // otherwise the error ends the process, such as a notebook's kernel
    end(`their thread died: ${event.message}`);
  };
  worker.postMessage(start);
  return {
    make(job: ViewJob) {
      if (ended) return Promise.reject(new Error(`Cannot make crops: ${ended}`));
      const message: CropperJob = { id: jobs++, ...job };
      const answer = Promise.withResolvers<MadeViews>();
      waiting.set(message.id, answer);
      worker.postMessage(message);
      return answer.promise;
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
