/**
 * Where nothing may be computed that is not saved yet, as when figures are drawn again: it is named
 * instead.
 */

/** A run or a result that is not in `outputs/`. */
export class NotSavedError extends Error {
  override readonly name = "NotSavedError";
}

/**
 * Call before training, evaluating or measuring. Does nothing, unless the environment variable
 * `BCSSL_SAVED` is `only`.
 *
 * @param what That would be computed: `run start-3626c888`.
 * @throws {NotSavedError} If it is.
 * @throws {RangeError} If the variable is something else.
 */
export function mayCompute(what: string): void {
  const saved = Deno.env.get("BCSSL_SAVED") ?? "";
  if (saved === "only") {
    throw new NotSavedError(`Not saved in outputs/: ${what}`);
  }
  if (saved !== "") {
    throw new RangeError(`Cannot compute: BCSSL_SAVED is "${saved}"; unset it, or set only`);
  }
}
