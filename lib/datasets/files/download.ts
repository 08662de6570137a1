/**
 * Downloads large files: goes on where an earlier download stopped, and checks a file before it
 * gets its name.
 */
import { createHash, type Hash } from "node:crypto";
import { basename, dirname } from "@std/path";
import { stat } from "./data_folder.ts";

/** A published digest, or its first digits. */
export interface Digest {
  /** Function that computes it. */
  readonly algorithm: "sha256" | "sha384" | "md5";
  /** The digest in hexadecimal digits, whole or the first of them. */
  readonly hex: string;
}

/** What is known about a file before the download; what is unknown is not checked. */
export interface Expected {
  /** Length of the file. */
  readonly bytes?: number | null;
  /** Digest of the file. */
  readonly digest?: Digest | null;
}

/** What is known of a file to download, and what is called as its bytes arrive. */
export interface DownloadOptions extends Expected {
  /**
   * Called with the bytes that are there and their total (null if the server does not say), a few
   * times a second and at the end.
   */
  readonly onProgress?: (done: number, total: number | null) => void;
  /**
   * When it is aborted, the download ends with an error; the bytes so far stay for the next call.
   */
  readonly signal?: AbortSignal;
  /** Seconds without a byte after which a connection is closed. */
  readonly patience?: number;
}

/** The path of a download that is not finished. */
export function partialPath(path: string): string {
  return `${path}.partial`;
}

/**
 * Fetches a file into `path`. A download that was cut short goes on from where it was, in the same
 * call as long as bytes come, and in the next call after that.
 *
 * @returns Its SHA-256, in hex.
 * @throws {Error} If the address is out of reach, or the file is not as expected: one line that
 *   says how to mend it. Nothing is at `path` then.
 */
export async function download(
  url: string,
  path: string,
  options: DownloadOptions = {},
): Promise<string> {
  try {
    await receiveAll(url, path, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    throw new Error(`Cannot download ${url} (${reasonOf(error as Error)}): ${byHand(path)}`);
  }
  let sha256: string;
  try {
    sha256 = await checkFile(partialPath(path), options);
  } catch (error) {
    await Deno.remove(partialPath(path)); // going on from it would not help
    throw new Error(`Cannot use ${url}: ${(error as Error).message}; ${byHand(path)}`);
  }
  await Deno.rename(partialPath(path), path);
  return sha256;
}

/** What went wrong, without the address, which the message names already. */
function reasonOf({ message, cause }: Error): string {
  const reason = cause instanceof Error ? cause.message : message;
  return reason.replace(/^error sending request [^(]*\([^)]*\): (?:client error \(\w+\): )?/, "");
}

function byHand(path: string): string {
  return `call again, or fetch it elsewhere and put it at ${path}`;
}

/** Receives the file over several connections, as long as each brings some bytes. */
async function receiveAll(url: string, path: string, options: DownloadOptions): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  using file = await Deno.open(partialPath(path), { read: true, write: true, create: true });
  if (!await file.tryLock(true)) throw new Error("another process is downloading it");
  for (;;) {
    const before = (await file.stat()).size;
    try {
      return await receive(url, `${partialPath(path)}.version`, file, options);
    } catch (error) {
      const got = (await file.stat()).size - before;
      if (got <= 0 || options.signal?.aborted) throw error;
    }
  }
}

/** One connection: asks for what is missing, and appends it. */
async function receive(
  url: string,
  versionPath: string,
  file: Deno.FsFile,
  { onProgress, signal, patience = 60 }: DownloadOptions,
): Promise<void> {
  const silence = new AbortController();
  const giveUp = () => silence.abort(new Error(`nothing came for ${patience} seconds`));
  let timer = setTimeout(giveUp, 1000 * patience);
  try {
    let done = (await file.stat()).size;
    const headers = await rangeHeaders(done, versionPath);
    const aborted = AbortSignal.any([silence.signal, ...(signal ? [signal] : [])]);
    const response = await fetch(url, { headers, signal: aborted });
    const beginning = await begin(response, done);
    if (!beginning) { // the bytes so far belong to another file
      await file.truncate(0);
      return await receive(url, versionPath, file, { onProgress, signal, patience });
    }
    const { from, total, body } = beginning;
    await file.truncate(done = from); // a server that does not resume begins again
    await file.seek(done, Deno.SeekMode.Start);
    await noteVersion(response, versionPath);
    const report = throttled(onProgress);
    for await (const chunk of body) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, 1000 * patience);
      for (let at = 0; at < chunk.length;) at += await file.write(chunk.subarray(at));
      report(done += chunk.length, total);
    }
    if (total !== null && done !== total) {
      throw new Error(`it ended after ${done} of ${total} bytes`);
    }
    onProgress?.(done, total);
    await file.syncData();
    await Deno.remove(versionPath).catch(() => {});
  } finally {
    clearTimeout(timer);
  }
}

/** Asks for what is missing; for everything, if the file has changed since. */
async function rangeHeaders(done: number, versionPath: string): Promise<Headers> {
  // Without compression, positions are those in the file.
  const headers = new Headers({ "accept-encoding": "identity" });
  if (done === 0) return headers;
  headers.set("range", `bytes=${done}-`);
  const version = await Deno.readTextFile(versionPath).catch(() => "");
  if (version) headers.set("if-range", version);
  return headers;
}

/** Keeps the server's mark of this version of the file, if it sends one. */
async function noteVersion({ headers }: Response, versionPath: string): Promise<void> {
  const etag = headers.get("etag");
  const version = etag && !etag.startsWith("W/") ? etag : headers.get("last-modified");
  if (version) await Deno.writeTextFile(versionPath, version);
}

interface Beginning {
  /** Position in the file of the first byte. */
  readonly from: number;
  /** Bytes of the whole file. */
  readonly total: number | null;
  readonly body: AsyncIterable<Uint8Array>;
}

/**
 * Where in the file the bytes belong that the server sends; `undefined` if the file ends before
 * `done`.
 *
 * @throws {Error} If the server answers with an error.
 */
async function begin(response: Response, done: number): Promise<Beginning | undefined> {
  const { status, headers, body } = response;
  const range = /^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const size = range?.[2] === undefined || range[2] === "*" ? null : Number(range[2]);
  if (status === 206 && Number(range?.[1]) === done) {
    return { from: done, total: size, body: body ?? ReadableStream.from([]) };
  }
  if (status === 200) {
    const length = headers.get("content-length");
    const total = length === null ? null : Number(length);
    return { from: 0, total, body: body ?? ReadableStream.from([]) };
  }
  await body?.cancel();
  if (status === 416 && done > 0) {
    if (size !== done) return undefined;
    return { from: done, total: done, body: ReadableStream.from([]) }; // nothing is missing
  }
  throw new Error(`the server answered ${status} ${response.statusText}`);
}

/** Passes on a few calls a second. */
function throttled(
  report: DownloadOptions["onProgress"],
): (done: number, total: number | null) => void {
  let last = -Infinity;
  return (done, total) => {
    const now = performance.now();
    if (now - last < 250) return;
    last = now;
    report?.(done, total);
  };
}

/**
 * Compares a file with what it must be.
 *
 * @returns Its SHA-256, in hex.
 * @throws {Error} If size or digest differ; the message gives both.
 */
export async function checkFile(path: string, { bytes, digest }: Expected): Promise<string> {
  const size = (await stat(path))?.size ?? 0;
  if (bytes && size !== bytes) {
    throw new Error(`${basename(path)} has ${size} bytes, published are ${bytes}`);
  }
  const algorithms = new Set(["sha256", ...(digest ? [digest.algorithm] : [])]);
  const hashes = new Map([...algorithms].map((name) => [name, createHash(name)]));
  await hashFile(path, [...hashes.values()]);
  const hex = new Map([...hashes].map(([name, hash]) => [name, hash.digest("hex")]));
  if (digest && !hex.get(digest.algorithm)!.startsWith(digest.hex)) {
    const actual = hex.get(digest.algorithm)!.slice(0, Math.min(digest.hex.length, 16));
    throw new Error(
      `${basename(path)} has ${digest.algorithm} ${actual}…, published is ${
        digest.hex.slice(0, 16)
      }…`,
    );
  }
  return hex.get("sha256")!;
}

async function hashFile(path: string, hashes: readonly Hash[]): Promise<void> {
  using file = await Deno.open(path);
  const buffer = new Uint8Array(1 << 20);
  for (let read; (read = await file.read(buffer)) !== null;) {
    for (const hash of hashes) hash.update(buffer.subarray(0, read));
  }
}
