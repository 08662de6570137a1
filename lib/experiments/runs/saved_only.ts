/**
 * A mode in which only saved results may be used, for instance to draw figures again. Whatever
 * would have to be computed is an error that names it.
 */

/** A run or a result that is not in `outputs/`. */
export class NotSavedError extends Error {
  override readonly name = "NotSavedError";
}

/**
 * Throws if the environment variable `BCSSL_SAVED` is `only`. Call it before training, evaluating
 * or measuring.
 *
 * @param what What would be computed: `run start-3626c888`.
 * @throws {NotSavedError} If `BCSSL_SAVED` is `only`.
 * @throws {RangeError} If the variable has another value.
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
