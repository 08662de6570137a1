/**
 * Finds the four files of Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), or fetches them, and
 * checks them.
 */
import { join } from "@std/path";
import { constants, gunzipSync } from "node:zlib";
import { dataFolder, exists, writeAtomically } from "lib/datasets/files/data_folder.ts";
import { type IdxArray, parseIdx } from "./idx.ts";

/** Debian's package, and the folder below `/` that it unpacks to. */
const debianPackage = "dataset-fashion-mnist";
const debianFolder = "usr/share/datasets/fashion-mnist";

/** The address that the authors' README gives for the files. */
const publicAddress = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/";

/** SHA-256 of each file once decompressed, so that it does not matter how it was compressed. */
const digests = {
  "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
  "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
  "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
  "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
} as const;

/** Number of images that are read without decompressing the rest of their file. */
const startCount = 1000;
/** Bytes of the header and of the first {@linkcode startCount} images. */
const startBytes = 16 + startCount * 28 * 28;
/** SHA-256 of the first {@linkcode startBytes} of each file of images, once decompressed. */
const startDigests = {
  "train-images-idx3-ubyte": "8cc6fcf10d2f4346664e99c41e275f55bdae27e2224f128af1eea020285f60f2",
  "t10k-images-idx3-ubyte": "34e856fd24784b77099057c042a28ae88531f67ad83c0908c182600dc6495dfd",
} as const;

type FileName = keyof typeof digests;
const fileNames = Object.keys(digests) as FileName[];

/** One split as published: 28×28 grey images, white on black. */
export interface FashionMnistFiles {
  readonly images: IdxArray; // [N, 28, 28]
  readonly labels: IdxArray; // [N]
}

/** The folder that files are fetched into, and looked for in first. */
export const fashionMnistFolder = dataFolder("fashion-mnist");

/** One line that says how to put the files there by hand. */
export const fashionMnistHelp = `put ${
  fileNames.join(", ")
} (gzipped or not) into data/fashion-mnist, or run: apt-get install ${debianPackage}`;

/** The folder that holds all four files: in `data/`, else where Debian's package puts them. */
export async function findFashionMnist(
  folders: readonly string[] = [fashionMnistFolder, `/${debianFolder}`],
): Promise<string | undefined> {
  for (const folder of folders) {
    const paths = await Promise.all(fileNames.map((name) => pathOf(folder, name)));
    if (paths.every((path) => path !== undefined)) return folder;
  }
}

/**
 * Reads and checks one split.
 *
 * @param count Number of images that are needed, from the first. For up to a thousand, the rest of
 *   the file is neither decompressed nor checked.
 * @returns At least so many images, and all labels.
 * @throws {Error} If a file is missing, or is not the one published; the message says how to mend
 *   it.
 */
export async function readFashionMnist(
  folder: string,
  split: "train" | "test",
  count = Infinity,
): Promise<FashionMnistFiles> {
  const prefix = split === "train" ? "train" : "t10k";
  const images = `${prefix}-images-idx3-ubyte` as const;
  return {
    images: count > startCount
      ? await readChecked(folder, images)
      : await readStart(folder, images),
    labels: await readChecked(folder, `${prefix}-labels-idx1-ubyte`),
  };
}

async function readChecked(folder: string, name: FileName): Promise<IdxArray> {
  const { path, file } = await readNamed(folder, name);
  return parseIdx(await checked(unpacked(file, path), path, digests[name]), path);
}

/** Reads the first {@linkcode startCount} images of a file. */
async function readStart(folder: string, name: keyof typeof startDigests): Promise<IdxArray> {
  const { path, file } = await readNamed(folder, name);
  const bytes = await checked(unpacked(file, path, startBytes), path, startDigests[name]);
  return { shape: [startCount, 28, 28], data: bytes.subarray(16) };
}

async function readNamed(folder: string, name: FileName) {
  const path = await pathOf(folder, name);
  if (path) return { path, file: await Deno.readFile(path) };
  throw new Error(
    `Cannot read Fashion-MNIST: ${join(folder, name)} is missing; ${fashionMnistHelp}`,
  );
}

/** What a message about a wrong file advises. */
const mend = `delete it, then ${fashionMnistHelp}`;

/**
 * The bytes of a file, decompressed if they are gzipped.
 *
 * @param length Number of bytes that are needed, from the first; by default, all.
 */
function unpacked(
  file: Uint8Array<ArrayBuffer>,
  path: string,
  length = Infinity,
): Uint8Array<ArrayBuffer> {
  if (file[0] !== 0x1f || file[1] !== 0x8b) return file.subarray(0, length);
  try {
    if (length === Infinity) return new Uint8Array(gunzipSync(file));
    // What does not compress grows by less than the 4,096 bytes.
    const start = file.subarray(0, length + 4096);
    const bytes = gunzipSync(start, { finishFlush: constants.Z_SYNC_FLUSH });
    return new Uint8Array(bytes.subarray(0, length));
  } catch (error) {
    throw new Error(`Cannot unpack ${path} (${(error as Error).message}): ${mend}`);
  }
}

/** Returns the decompressed bytes. @throws {Error} If they are not those published. */
async function checked(
  bytes: Uint8Array<ArrayBuffer>,
  path: string,
  digest: string,
): Promise<Uint8Array> {
  const hash = await sha256(bytes);
  if (hash === digest) return bytes;
  throw new Error(
    `Cannot use ${path}: it is not Fashion-MNIST's (SHA-256 ${hash.slice(0, 12)}…); ${mend}`,
  );
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/** Whether a decompressed file is one of the four: MNIST's have the same names and lengths. */
export async function isFashionMnist(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  const hash = await sha256(bytes);
  return Object.values(digests).some((digest) => digest === hash);
}

async function pathOf(folder: string, name: FileName): Promise<string | undefined> {
  for (const path of [join(folder, name), join(folder, `${name}.gz`)]) {
    if (await exists(path)) return path;
  }
}

/**
 * The folder with all four files, fetched into `data/fashion-mnist` if they are nowhere: from
 * Debian's package, else from the authors' address.
 *
 * @param log Gets a line for each thing that takes long.
 * @throws {Error} If they cannot be had: one line that says what was tried and how to put them
 *   there by hand.
 */
export async function fetchFashionMnist(log: (line: string) => void): Promise<string> {
  const found = await findFashionMnist();
  if (found) return found;
  const failures: string[] = [];
  for (const fetchFiles of [fromDebian, fromAddress]) {
    try {
      await fetchFiles(log);
      return fashionMnistFolder;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(`Cannot get Fashion-MNIST (${failures.join("; ")}): ${fashionMnistHelp}`);
}

/** Downloads and unpacks Debian's package: neither needs root. */
async function fromDebian(log: (line: string) => void): Promise<void> {
  log(`Fashion-MNIST: downloading Debian's ${debianPackage} (31 MB)`);
  await Deno.mkdir(dataFolder(), { recursive: true });
  const folder = await Deno.makeTempDir({ dir: dataFolder(), prefix: "fashion-mnist-" });
  try {
    await run("apt-get", ["download", debianPackage], folder);
    const [file] = [...Deno.readDirSync(folder)].filter(({ name }) => name.endsWith(".deb"));
    if (!file) throw new Error("apt-get download left no package");
    await run("dpkg-deb", ["-x", file.name, "."], folder);
    await install((name) => Deno.readFile(join(folder, debianFolder, `${name}.gz`)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Downloads the four files from the authors' address. */
async function fromAddress(log: (line: string) => void): Promise<void> {
  await install(async (name) => {
    log(`Fashion-MNIST: downloading ${publicAddress}${name}.gz`);
    const response = await fetch(`${publicAddress}${name}.gz`, {
      signal: AbortSignal.timeout(10 * 60_000),
    });
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
    return await response.bytes();
  });
}

/** Puts the four files into `data/fashion-mnist`, each checked before it has its name. */
async function install(get: (name: FileName) => Promise<Uint8Array<ArrayBuffer>>): Promise<void> {
  for (const name of fileNames) {
    if (await pathOf(fashionMnistFolder, name)) continue; // from a fetch that was cut short
    const bytes = await get(name);
    await checked(unpacked(bytes, `${name}.gz`), `${name}.gz`, digests[name]);
    await writeAtomically(join(fashionMnistFolder, `${name}.gz`), [bytes]);
  }
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(command, { args: [...args], cwd, stdin: "null" }).output();
  } catch {
    throw new Error(`${command} is not on this machine`);
  }
  if (output.success) return;
  const lines = new TextDecoder().decode(output.stderr).trim().split("\n");
  throw new Error(`${command} ${args[0]}: ${lines.at(-1)}`);
}
