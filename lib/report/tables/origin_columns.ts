/** The columns by which a row of a table says of which runs its numbers are. */

/** Runs of several seeds, as results of the verbs name them. */
export interface SeedRuns {
  /** The images, if the table may have rows of several kinds of them. */
  readonly data?: string;
  readonly scale: string;
  readonly seeds: readonly number[];
  /** Ids. */
  readonly runs: readonly string[];
}

/** The last columns of a row: number of seeds, the images if they are given, scale, seeds, runs. */
export function originColumns({ data, scale, seeds, runs }: SeedRuns) {
  return {
    n: seeds.length,
    ...(data !== undefined && { data }),
    scale,
    seeds: seeds.join(", "),
    runs: runs.join(", "),
  };
}
