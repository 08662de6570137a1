/**
 * Records in a run's folder which of a person's own pictures it was trained on. The id of a run
 * depends on its config alone, which names the folders of the pictures; the pictures in them may
 * change.
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
 * Records the pictures of a run that is about to be trained or evaluated for the first time. Does
 * nothing if the run was trained before, or if its data are not a person's own folders.
 *
 * @throws {Error} If the folders cannot be used, or the disk refuses.
 */
export async function recordPictures(
  folder: RunFolder,
  { config, scale }: Pick<RunKey, "config" | "scale">,
): Promise<void> {
  const { data } = config;
  if (data.kind !== "folder" || readJson(recordPath(folder)) !== undefined) return;
  // The run is older than this record: nobody knows its pictures.
  if (readStatus(folder) !== undefined) return;
  const { train, test } = await listFolderPair(data, quietly(config, scale));
  const record: PicturesRecord = { train: folderFingerprint(train), test: folderFingerprint(test) };
  Deno.mkdirSync(folder.path, { recursive: true });
  replaceFile(recordPath(folder), JSON.stringify(record) + "\n");
}

/**
 * Checks that the pictures are still those that the run was trained on; call it before loading from
 * the run's folder or adding to it. Does nothing if the run's data are not a person's own folders.
 *
 * Folders that were moved or copied count as the same if their pictures are. If a folder is
 * missing, or the run is older than this record, a warning says so, and the results can still be
 * loaded.
 *
 * @param warn Gets a line if the pictures cannot be compared. By default each line is printed once.
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
      `Run ${folder.id} does not say which pictures it was trained on: nobody knows whether they are those in ` +
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

/** Whether {@linkcode requireSamePictures} would not throw. */
export async function hasSamePictures(
  folder: RunFolder,
  key: Pick<RunKey, "config" | "scale">,
): Promise<boolean> {
  return await requireSamePictures(folder, key, () => {}).then(() => true, () => false);
}

/** Options to list the pictures of a scale without logging: `openData` logs what is passed over. */
function quietly(config: RunKey["config"], scale: RunKey["scale"]) {
  const { trainCount, testCount } = sizesAt(config, scale);
  return { trainCount, testCount, log: () => {} };
}
