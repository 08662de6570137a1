/**
 * How a task hears that `npx` was asked to end. npm passes a SIGTERM on to the shell between it and
 * `deno task`, not to what the shell runs: a training, or JupyterLab, would go on with nobody
 * knowing.
 */

const interval = 500; // ms

/**
 * Calls `end` once when the shell is gone through which `npx` has started this task. Started in
 * another way, a task may outlive whoever started it, and nothing happens.
 *
 * @returns Stops listening.
 */
export function whenNpxEnds(end: () => void): () => void {
  if (Deno.env.get("npm_lifecycle_event") !== "npx") return () => {};
  const ancestors = ancestorsNow();
  const poll = setInterval(() => {
    if (ancestorsNow() === ancestors) return;
    clearInterval(poll);
    end();
  }, interval);
  return () => clearInterval(poll);
}

/**
 * The process above this one, `deno task`, and the one above that: a process that has lost its
 * parent is given another.
 */
function ancestorsNow(): string {
  return `${Deno.ppid} ${parentOf(Deno.ppid)}`;
}

/** Unknown where there is no `/proc`; then a task hears of the end of `deno task` only. */
function parentOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/^.*\)/s, "").trim().split(" ")[1]!;
  } catch {
    return "";
  }
}
