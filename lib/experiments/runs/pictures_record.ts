/**
 * Which of a person's own pictures a run was trained on, kept in its folder. A run's id is that of
 * its config alone, which names folders: what lies in them may change.
 */
import { join } from "@std/path";
import {
  changesInWords,
  folderChanges,
  type FolderFingerprint,
  folderFingerprint,
} from "lib/datasets/pictures/folder_fingerprint.ts";
import { type ListedPair, listFolderPair } from "lib/datasets/pictures/folder_pair.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { type RunKey, sizesAt } from "lib/experiments/configs/config.ts";
import { sayOnce } from "lib/experiments/configs/data.ts";
import { readJson, type RunFolder } from "./run_folder.ts";
import { readStatus } from "./run_status.ts";

type PicturesRecord = Readonly<Record<keyof ListedPair, FolderFingerprint>>;

function recordPath({ path }: RunFolder): string {
  return join(path, "pictures.json");
}

/**
 * Notes the pictures of a run that is about to be trained or evaluated for the first time. Does
 * nothing if something is trained already, or for other data than a person's own folders.
 *
 * @throws {Error} If the folders cannot be used, or the disk refuses.
 */
export async function recordPictures(
  folder: RunFolder,
  { config, scale }: Pick<RunKey, "config" | "scale">,
): Promise<void> {
  const { data } = config;
  if (data.kind !== "folder" || readJson(recordPath(folder)) !== undefined) return;
  if (readStatus(folder) !== undefined) return; // from before pictures were noted: nobody knows which they were
  const { train, test } = await listFolderPair(data, quietly(config, scale));
  const record: PicturesRecord = { train: folderFingerprint(train), test: folderFingerprint(test) };
  Deno.mkdirSync(folder.path, { recursive: true });
  replaceFile(recordPath(folder), JSON.stringify(record) + "\n");
}

/**
 * Makes sure that what a run's folder holds belongs to the pictures that are there now; call it
 * before loading or adding to it. Does nothing for other data than a person's own folders.
 *
 * Folders that were moved or copied, with the same pictures in them, are the same. If a folder is
 * not there, that is said, and what was kept can still be loaded. So is a run from before pictures
 * were noted.
 *
 * @param warn Told of what cannot be compared. By default each line is printed once.
 * @throws {Error} If pictures were added, removed or changed; the message says how many and what to
 *   do.
 */
export async function requireSamePictures(
  folder: RunFolder,
  { config, scale }: Pick<RunKey, "config" | "scale">,
  warn: (message: string) => void = sayOnce,
): Promise<void> {
  const { data } = config;
  if (data.kind !== "folder") return;
  const record = readJson<PicturesRecord>(recordPath(folder));
  if (record === undefined) {
    if (readStatus(folder) === undefined) return; // nothing was trained
    return warn(
      `Run ${folder.id} does not say which pictures it was trained on: it cannot be told whether they are those in ` +
        `${data.train} now; { fresh: true } trains it again`,
    );
  }
  let pair: ListedPair;
  try {
    pair = await listFolderPair(data, quietly(config, scale));
  } catch (error) {
    return warn(
      `Cannot compare the pictures of run ${folder.id} with those it was trained on: ${
        (error as Error).message
      }`,
    );
  }
  const changes = (["train", "test"] as const).flatMap((split) => {
    const words = changesInWords(folderChanges(record[split], pair[split]));
    return words === "" ? [] : [`of ${pair[split].folder}, ${words}`];
  });
  if (changes.length === 0) return;
  throw new Error(
    `Cannot use what outputs/ holds of run ${folder.id}: its pictures have changed since, ${
      changes.join("; ")
    }; ` +
      "train it again with { fresh: true } (--fresh in a terminal), or put them back",
  );
}

/** Whether {@linkcode requireSamePictures} finds nothing wrong. */
export async function hasSamePictures(
  folder: RunFolder,
  key: Pick<RunKey, "config" | "scale">,
): Promise<boolean> {
  return await requireSamePictures(folder, key, () => {}).then(() => true, () => false);
}

/** The pictures that a scale takes, without a word: whoever opens them says what is passed over. */
function quietly(config: RunKey["config"], scale: RunKey["scale"]) {
  const { trainCount, testCount } = sizesAt(config, scale);
  return { trainCount, testCount, log: () => {} };
}
