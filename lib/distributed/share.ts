/**
 * The part of a batch that a process takes. Which images have which views, and whose paths drop,
 * depends on an image's place in the whole batch, so that it does not depend on the number of
 * processes.
 */
import type { Rng } from "lib/rng.ts";
import type { World } from "./world.ts";

/** Images `first … first + count − 1` of a batch. */
interface Part {
  readonly first: number;
  readonly count: number;
}

/**
 * The places of this process's images in the whole batch: of each part an equal share, in the order
 * of the ranks.
 *
 * @param parts The batch's micro-batches.
 * @throws {RangeError} If the processes cannot have equal shares.
 */
export function ownPlaces(parts: readonly Part[], { rank, size }: World): Uint32Array {
  return Uint32Array.from(parts.flatMap(({ first, count }) => {
    const share = count / size;
    if (!Number.isInteger(share)) {
      throw new RangeError(
        `Cannot share ${count} images equally among ${size} processes: choose a batchSize, ` +
          "divided by accumulate, that the number of processes divides",
      );
    }
    return Array.from({ length: share }, (_, i) => first + rank * share + i);
  }));
}

/**
 * A random stream that draws for this process's rows what `rng` draws for them among all rows. The
 * rows are those of all images of a view, then of the next view, …
 *
 * @param images Images of a view in this process; all processes have as many.
 */
export function rowsOf(rng: Rng, images: number, world: World): Rng {
  const { rank, size } = world;
  let [row, drawn] = [0, 0]; // of this process, of all
  /** Leaves out the numbers of other processes' rows. */
  const skip = () => {
    const place = (Math.floor(row / images) * size + rank) * images + row % images;
    for (; drawn < place; drawn++) rng.uniform();
    row++;
    drawn++;
  };
  return {
    path: rng.path,
    fork: (name) => rowsOf(rng.fork(name), images, world),
    uniform: (min, max) => (skip(), rng.uniform(min, max)),
    bernoulli: (p) => (skip(), rng.bernoulli(p)),
    int: (count) => (skip(), rng.int(count)),
    normal: () => refuse("a Gaussian"),
    permutation: () => refuse("an order"),
  };
}

/** These take several numbers of the stream, so a row's would not be at a known place. */
function refuse(what: string): never {
  throw new Error(`Cannot draw ${what} row by row`);
}
