/** The teacher's exponential moving average. */
import type * as tf from "lib/tf.ts";
import { movingAverage } from "lib/nn/moving_average.ts";

/**
 * Updates every weight of the teacher in place: `teacher ← m · teacher + (1 − m) · student`.
 *
 * The maps hold parameters only, no BatchNorm statistics: in the reference the teacher has its own.
 *
 * @throws {TypeError} If the student lacks one of the teacher's names.
 */
export function emaUpdate(
  teacher: ReadonlyMap<string, tf.Variable>,
  student: ReadonlyMap<string, tf.Variable>,
  momentum: number,
): void {
  const sources = [...teacher.keys()].map((name) => {
    const source = student.get(name);
    if (source === undefined) throw new TypeError(`Cannot average ${name}: the student lacks it`);
    return source;
  });
  movingAverage([...teacher.values()], sources, momentum);
}
