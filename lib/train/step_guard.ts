/**
 * Decides on the device whether a step may change anything, where the numbers that decide it are
 * not read until later.
 */
import * as tf from "lib/tf.ts";
import { allFinite } from "./finite.ts";

/**
 * Lets no step change anything from the first one on whose numbers are not finite. So the state is
 * still that of the bad step when its numbers are read, however many steps were begun since.
 */
export class StepGuard implements Disposable {
  #healthy: tf.Tensor | undefined;

  /**
   * Judges a step.
   *
   * @param numbers Its loss and the squared norms of its gradients.
   * @returns A boolean: whether all numbers are finite, and all steps before were good.
   */
  judge(numbers: readonly tf.Tensor[]): tf.Scalar {
    const ok = tf.tidy(() => {
      const all = tf.concat1d(numbers.map((x) => x.flatten() as tf.Tensor1D));
      return (this.#healthy
        ? this.#healthy.logicalAnd(allFinite(all))
        : allFinite(all)) as tf.Scalar;
    });
    this.#healthy?.dispose();
    this.#healthy = tf.keep(ok.clone());
    return ok;
  }

  [Symbol.dispose](): void {
    this.#healthy?.dispose();
  }
}

/**
 * `value` where `ok` is true, else `otherwise`. `tf.where` would first copy the scalar to their
 * shape.
 *
 * @param ok A boolean scalar.
 */
export function select<T extends tf.Tensor>(ok: tf.Scalar, value: T, otherwise: T): T {
  return tf.tidy(() => {
    // WebGPU's kernel takes a scalar condition for matrices only.
    const [t, e] = [value.reshape([-1, 1]), otherwise.reshape([-1, 1])];
    const chosen = tf.tfjsEngine().runKernel("Select", { condition: ok, t, e }) as tf.Tensor;
    return chosen.reshape(value.shape) as unknown as tf.TensorContainer;
  }) as unknown as T;
}

/**
 * Remembers variables, to undo what a step assigns to them.
 *
 * @returns Gives those that have changed their old values back unless `ok` is true. Call it inside
 *   the `tidy` that this was called in.
 */
export function remember(variables: Iterable<tf.Variable>): (ok: tf.Scalar) => void {
  const before = [...variables].map((variable) => [variable, variable.clone()] as const);
  return (ok) => {
    for (const [variable, old] of before) {
      if (variable.dataId === old.dataId) continue;
      tf.tidy(() => variable.assign(select<tf.Tensor>(ok, variable, old)));
    }
  };
}
