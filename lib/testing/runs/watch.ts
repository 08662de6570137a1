/** What tests give as `watch` to the verbs that compare several runs. */
import type { TrainHooks } from "lib/runs/events.ts";

/** A `watch` that shows nothing and adds the title of each progress to `titles`. */
export function noting(titles: string[]) {
  return <R>(title: string, run: (hooks: TrainHooks) => Promise<R>): Promise<R> => {
    titles.push(title);
    return run({});
  };
}
