/** Configs of several runs side by side, a row for each value, named by its dotted path. */

/** A value of the configs: `recipe.model.kernelSize`. */
export interface ConfigRow {
  /** Dotted path. */
  readonly path: string;
  /** The value in each config, as JSON; `undefined` where a config lacks it. */
  readonly values: readonly (string | undefined)[];
  /** Whether the configs have different values. */
  readonly differs: boolean;
}

/**
 * Sets configs side by side, in the order in which the first config has its values; those that only
 * later ones have come last. A list is one value. The id is left out: it is the run's name.
 */
export function configRows(configs: readonly object[]): ConfigRow[] {
  const flat = configs.map((config) => new Map(valuesIn(config, "")));
  const paths = new Set(flat.flatMap((values) => [...values.keys()]));
  paths.delete("id");
  return [...paths].map((path) => {
    const values = flat.map((of) => of.get(path));
    return { path, values, differs: new Set(values).size > 1 };
  });
}

/** The values of an object, each with its dotted path, as JSON. */
function* valuesIn(value: object, prefix: string): Generator<[path: string, json: string]> {
  for (const [name, inner] of Object.entries(value)) {
    const path = prefix + name;
    if (inner !== null && typeof inner === "object" && !Array.isArray(inner)) {
      yield* valuesIn(inner, `${path}.`);
    } else if (inner !== undefined) yield [path, JSON.stringify(inner)];
  }
}
