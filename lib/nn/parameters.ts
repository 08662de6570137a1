/**
 * A model's weights: a plain tree of variables whose paths are the names of the official
 * checkpoint.
 */
import * as tf from "lib/tf.ts";

/**
 * Any nesting of objects and arrays with `tf.Variable` leaves; `null` and `undefined` stand for no
 * weight.
 */
export type ParameterTree =
  | tf.Variable
  | null
  | undefined
  | readonly ParameterTree[]
  | { readonly [name: string]: ParameterTree };

/**
 * Every variable under its dotted path, in the order of the tree: `stages.0.1.dwconv.weight`.
 *
 * Includes buffers (BatchNorm's running statistics), which are variables with `trainable` false.
 */
export function namedVariables(tree: object, prefix = ""): Map<string, tf.Variable> {
  const found = new Map<string, tf.Variable>();
  for (const [name, child] of Object.entries(tree) as [string, ParameterTree][]) {
    if (child === null || child === undefined) continue;
    const path = prefix === "" ? name : `${prefix}.${name}`;
    if (child instanceof tf.Variable) found.set(path, child);
    else if (typeof child === "object") {
      for (const [inner, variable] of namedVariables(child, path)) found.set(inner, variable);
    }
  }
  return found;
}

/** The variables an optimiser may move, by name. */
export function parameters(tree: object): Map<string, tf.Variable> {
  return new Map([...namedVariables(tree)].filter(([, variable]) => variable.trainable));
}

/** Frees every variable of a tree. */
export function disposeTree(tree: object): void {
  for (const variable of namedVariables(tree).values()) variable.dispose();
}

/**
 * Copies the values of `from` into the variables of the same name in `to`, buffers included.
 *
 * @throws {TypeError} If a name is missing on either side, or two shapes differ.
 */
export function copyTree(from: object, to: object): void {
  const [source, target] = [namedVariables(from), namedVariables(to)];
  const missing = [...source.keys()].filter((name) => !target.has(name))
    .concat([...target.keys()].filter((name) => !source.has(name)));
  if (missing.length > 0) {
    throw new TypeError(`Cannot copy weights: only one side has ${missing.join(", ")}`);
  }
  for (const [name, variable] of target) {
    const value = source.get(name)!;
    if (String(value.shape) !== String(variable.shape)) {
      throw new TypeError(
        `Cannot copy ${name}: its shape is [${value.shape}] there and [${variable.shape}] here`,
      );
    }
    tf.tidy(() => variable.assign(value.clone()));
  }
}
