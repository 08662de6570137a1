/** Chooses how a depthwise convolution is divided among workgroups. */

/** The part of a convolution that a workgroup computes, and the taps that it adds at a time. */
export interface WorkTile {
  /** Places down; a thread has one. */
  readonly height: number;
  /** Places across, a multiple of 4; a thread has four. */
  readonly width: number;
  readonly channels: number;
  /** Threads of the workgroup; some may have no place. */
  readonly threads: 128 | 256;
  /** Rows and columns of a block of taps. */
  readonly tapRows: number;
  readonly tapColumns: number;
}

/** What a tile depends on. */
export interface TileQuestion {
  /** Height and width of the result, and of the taps. */
  readonly places: readonly [number, number];
  readonly taps: readonly [number, number];
  /** How far the map moves from one place to the next, and from one tap to the next. */
  readonly placeStep: number;
  readonly tapStep: number;
  readonly channels: number;
  /** Numbers in a workgroup's memory. */
  readonly memory: number;
}

/** Numbers that a thread may read behind the last one, times the channels of a tile. */
const readTooFar = 1;

/**
 * Chooses a tile with at most 256 threads whose part of the map fits into the memory. Neighbouring
 * threads have neighbouring channels, which lie together in memory, so more channels are better,
 * as long as four rows of taps fit.
 */
export function chooseTile(question: TileQuestion): WorkTile {
  const { places: [rows, columns], channels } = question;
  const width = widthOf(columns);
  const most = Math.max(1, Math.min(8, Math.floor(64 / width)));
  const height = Math.ceil(rows / Math.ceil(rows / most));
  const enough = [32, 16, 8, 4].filter((count) =>
    count * height * width / 4 <= 256 && (count === 4 || count < 2 * channels)
  );
  const tiles = enough.map((count) => tapsOf(question, height, width, count));
  return tiles.find(({ tapRows }) => tapRows >= Math.min(4, question.taps[0])) ?? tiles.at(-1)!;
}

/** The width of 4, 8, 12 or 16 that covers the columns with the fewest places in vain. */
function widthOf(columns: number): number {
  if (columns <= 4) return 4;
  const covered = (width: number) => Math.ceil(columns / width) * width;
  return [16, 12, 8].reduce((best, width) => covered(width) < covered(best) ? width : best);
}

function tapsOf(question: TileQuestion, height: number, width: number, channels: number): WorkTile {
  const { taps, placeStep, tapStep, memory } = question;
  const evenly = (all: number, most: number) => Math.ceil(all / Math.ceil(all / Math.max(1, most)));
  const tapColumns = evenly(taps[1], 16);
  const wide = (width - 1) * placeStep + (tapColumns - 1) * tapStep + 1;
  const fitting = Math.floor((memory / channels - readTooFar) / wide);
  const tapRows = evenly(
    taps[0],
    Math.floor((fitting - 1 - (height - 1) * placeStep) / tapStep) + 1,
  );
  const threads = channels * height * width / 4 > 128 ? 256 : 128;
  return { height, width, channels, threads, tapRows, tapColumns };
}
