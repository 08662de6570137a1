/** The verb `pretrained`: loads a network with its authors' weights in one line. */
import { basename, join } from "@std/path";
import { absolutePath } from "lib/paths.ts";
import { createRng } from "lib/rng.ts";
import { dataFolder, exists } from "lib/datasets/files/data_folder.ts";
import { checkFile, download, type DownloadOptions } from "lib/datasets/files/download.ts";
import { createModel, type Model } from "lib/models/mod.ts";
import { disposeTree } from "lib/nn/parameters.ts";
import { replaceFile } from "lib/weights/replace_file.ts";
import { listed } from "lib/weights/weight_names.ts";
import { type LoadReport, loadWeights } from "lib/weights/weights.ts";
import {
  pretrainedCatalogue,
  type PretrainedEntry,
  type PretrainedName,
} from "./pretrained_catalogue.ts";

/** Where weights are kept, and what is called during a download. */
export interface PretrainedOptions extends Pick<DownloadOptions, "onProgress" | "signal"> {
  /** Folder of the weight files. By default `data/weights`. */
  readonly folder?: string;
}

/** A network with official weights. */
export interface Pretrained {
  /** The caller owns its weights. */
  readonly model: Model;
  /** The catalogue's entry: address, licence and network. */
  readonly entry: PretrainedEntry;
  /** File that the weights came from. */
  readonly path: string;
  /** Which weights of the file were loaded, and which were not. */
  readonly report: LoadReport;
}

/**
 * Loads official weights, and downloads them first if they are missing:
 * `pretrained("facebookresearch/dino_vits16")`.
 *
 * The SHA-256 of the file is kept beside it, and compared whenever the file is read.
 *
 * @param options.onProgress Called while downloading. By default, it prints a line for each tenth.
 * @throws {RangeError} If the catalogue has no such weights.
 * @throws {Error} If the file cannot be downloaded, or is not the published one; the message says
 *   how to put it there by hand.
 */
export async function pretrained(
  name: PretrainedName,
  options: PretrainedOptions = {},
): Promise<Pretrained> {
  if (!Object.hasOwn(pretrainedCatalogue, name)) {
    throw new RangeError(
      `Unknown weights "${name}": use one of ${Object.keys(pretrainedCatalogue).join(", ")}`,
    );
  }
  return await loadEntry(pretrainedCatalogue[name], options);
}

/** Loads an entry as {@linkcode pretrained} does; it need not be in the catalogue. */
export async function loadEntry(
  entry: PretrainedEntry,
  { folder = dataFolder("weights"), ...options }: PretrainedOptions = {},
): Promise<Pretrained> {
  const path = join(absolutePath(folder), entry.file);
  await fetchOnce(entry, path, options);
  const model = createModel(entry.config, createRng(0), { numClasses: entry.numClasses });
  try {
    const report = await loadWeights(model, path, { strict: false });
    checkReport(entry, path, report);
    return { model, entry, path, report };
  } catch (error) {
    disposeTree(model.params);
    throw error;
  }
}

/** Downloads the file if it is missing, and checks that it is the right one. */
async function fetchOnce(
  entry: PretrainedEntry,
  path: string,
  { onProgress = tenths(basename(path)), signal }: Omit<PretrainedOptions, "folder">,
): Promise<void> {
  const sha256 = await exists(path)
    ? await checkThere(entry, path)
    : await download(entry.url, path, { ...entry, onProgress, signal });
  const line = `${sha256}  ${basename(path)}\n`; // in the format of sha256sum
  const earlier = await Deno.readTextFile(`${path}.sha256`).catch(() => "");
  if (earlier === "") replaceFile(`${path}.sha256`, line);
  else if (earlier !== line) {
    throw new Error(
      `Cannot use ${path}: it is not the file that ${
        basename(path)
      }.sha256 is of; delete both and call again`,
    );
  }
}

async function checkThere(entry: PretrainedEntry, path: string): Promise<string> {
  try {
    return await checkFile(path, entry);
  } catch (error) {
    throw new Error(
      `Cannot use ${path}: ${
        (error as Error).message
      }; delete it and call again, or put ${entry.url} there`,
    );
  }
}

function checkReport({ beside }: PretrainedEntry, path: string, report: LoadReport): void {
  const { missing, misshapen } = report;
  const unexpected = report.unexpected.filter((name) => !beside?.test(name));
  const wrong = [...missing, ...misshapen.map(({ name }) => name), ...unexpected];
  if (wrong.length === 0) return;
  throw new Error(`Cannot use ${path}: it does not fit the network in ${listed(wrong)}`);
}

/** Prints a line for each tenth that has arrived. */
function tenths(file: string): (done: number, total: number | null) => void {
  let next = 0;
  return (done, total) => {
    const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
    const step = (total ?? 500e6) / 10;
    if (done < next * step && done !== total) return;
    next = Math.floor(done / step) + 1;
    console.log(`${file}: ${megabytes(done)}${total ? ` of ${megabytes(total)}` : ""}`);
  };
}
