/** Refusals of recipes that a method cannot follow. */

/**
 * Creates a function that throws where a value of a recipe is not valid.
 *
 * @param method What the method is called: `MoCo v3`.
 */
export function demandFor(
  method: string,
): (valid: boolean, name: string, value: unknown, allowed: string) => void {
  return (valid, name, value, allowed) => {
    if (valid) return;
    throw new RangeError(
      `Cannot train by ${method} with ${name} ${JSON.stringify(value)}: need ${allowed}`,
    );
  };
}
