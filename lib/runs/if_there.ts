/**
 * What `read` returns of a file or a folder; `undefined` if there is none.
 *
 * @throws What `read` throws for another reason, as where reading is not allowed.
 */
export function ifThere<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
