/**
 * Many small tensors as one, so that a network's hundred biases and norms are one dispatch. Large
 * tensors stay apart: for them a dispatch costs less than the copies.
 */
import type * as tf from "lib/tf.ts";
import { allocate, copy, integers, sizeOf } from "./program.ts";

/** Numbers of a block, which belong to one tensor: a workgroup's threads, one number each. */
export const blockSize = 256;
/** Numbers from which on a tensor is large, and numbers of a pack. */
const large = 2 ** 18, most = 2 ** 21;

/** The places of some tensors in a pack. */
export interface Pack {
  /** Positions in the list of all tensors. */
  readonly members: readonly number[];
  /** Where each begins, a multiple of {@linkcode blockSize}. */
  readonly offsets: readonly number[];
  readonly blocks: number;
}

/** Divides tensors into packs; the large ones come separately, by their positions. */
export function packsOf(
  tensors: readonly tf.TensorInfo[],
): { readonly packs: readonly Pack[]; readonly alone: readonly number[] } {
  const sizes = tensors.map(sizeOf);
  const alone = sizes.flatMap((size, i) => size >= large ? [i] : []);
  const groups: number[][] = [];
  let filled = most;
  sizes.forEach((size, i) => {
    if (size >= large || size === 0) return;
    if (filled + size > most) {
      groups.push([]);
      filled = 0;
    }
    groups.at(-1)!.push(i);
    filled += size;
  });
  return { packs: groups.map((members) => packOf(members, sizes)), alone };
}

function packOf(members: readonly number[], sizes: readonly number[]): Pack {
  const offsets: number[] = [];
  let blocks = 0;
  for (const i of members) {
    offsets.push(blocks * blockSize);
    blocks += Math.ceil(sizes[i]! / blockSize);
  }
  return { members, offsets, blocks };
}

/** For every block of a pack, the position of its tensor in the list of all. */
export function tensorOfBlock({ members, offsets, blocks }: Pack): tf.TensorInfo {
  const firsts = [...offsets.map((offset) => offset / blockSize), blocks];
  return integers(members.flatMap((i, k) => Array<number>(firsts[k + 1]! - firsts[k]!).fill(i)));
}

/**
 * Copies the members of a pack out of some lists into one tensor, `[lists, blocks · blockSize]`.
 * What lies between the members is undefined.
 */
export function pack(
  lists: readonly (readonly tf.TensorInfo[])[],
  { members, offsets, blocks }: Pack,
): tf.TensorInfo {
  const size = blocks * blockSize;
  const packed = allocate([lists.length, size]);
  lists.forEach((tensors, list) => {
    members.forEach((i, k) => {
      const to = { tensor: packed, offset: list * size + offsets[k]! };
      copy({ tensor: tensors[i]!, offset: 0 }, to, sizeOf(tensors[i]!));
    });
  });
  return packed;
}

/** Copies the members of list `list` of a pack back into tensors. */
export function unpack(
  packed: tf.TensorInfo,
  list: number,
  { members, offsets, blocks }: Pack,
  tensors: readonly tf.TensorInfo[],
): void {
  members.forEach((i, k) => {
    const from = { tensor: packed, offset: list * blocks * blockSize + offsets[k]! };
    copy(from, { tensor: tensors[i]!, offset: 0 }, sizeOf(tensors[i]!));
  });
}
