/** Hateful Memes (Kiela et al. 2020): pictures with a text, hateful or not. */
import { join } from "@std/path";
import { exists } from "lib/datasets/files/data_folder.ts";
import {
  findSet,
  type Listed,
  readSetLines,
  type SetFolder,
  storedPart,
  wrongSet,
} from "./set_folder.ts";
import type { TransferParts } from "./transfer_types.ts";

const classNames = ["not hateful", "hateful"] as const;

/**
 * Reads the lists, which have a JSON object on each line. The development part is the test, as in
 * ELEVATER: the labels of the test came with a challenge.
 *
 * @throws {Error} If something is missing or damaged; the message names it.
 */
export async function openHatefulMemes(folder: string): Promise<TransferParts> {
  const set = await findSet(folder, {
    name: "Hateful Memes",
    archives: ["hateful_memes.zip"],
    markers: ["train.jsonl"],
  });
  const later = "dev_seen.jsonl"; // its name since the challenge's second phase
  const dev = await exists(join(set.root, later)) ? later : "dev.jsonl";
  return {
    train: storedPart(set, "train", classNames, await readList(set, "train.jsonl")),
    test: storedPart(set, "test", classNames, await readList(set, dev)),
  };
}

async function readList(set: SetFolder, path: string): Promise<Listed[]> {
  const lines = await readSetLines(set, path, /^(\{.*\})$/);
  return lines.map(([line], i) => {
    const { img, label } = parsed(line!);
    if (typeof img === "string" && (label === 0 || label === 1)) return { id: img, label };
    throw wrongSet(set, `line ${i + 1} of ${path} has no img, or no label of 0 or 1`);
  });
}

function parsed(line: string): { readonly img?: unknown; readonly label?: unknown } {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
