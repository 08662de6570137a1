/**
 * Reads JSON files that are too large for one string (COCO's training annotations have 450 MB). The
 * object at the top is split while it is read, and each element of its arrays is passed on by
 * itself.
 */

/**
 * An element of an array at the top, `"images": [element, …]`; or the value itself, if it is not an
 * array.
 */
export interface JsonElement {
  /** Name of the array, such as `images`. */
  readonly key: string;
  /** Index in its array. */
  readonly index: number;
  /** Position of its first byte in the file. */
  readonly position: number;
  readonly text: string;
}

const [quote, comma, colon, backslash] = Array.from('",:\\', (c) => c.charCodeAt(0));
const [openArray, closeArray, openObject, closeObject] = Array.from("[]{}", (c) => c.charCodeAt(0));

const decoder = new TextDecoder();

/**
 * Calls `visit` with each element of a file, in order. The file may begin with a byte-order mark of
 * UTF-8 or UTF-16.
 *
 * Only the separators of elements are checked here; an element itself may be invalid JSON.
 *
 * @returns The keys at the top, also those of empty arrays.
 * @throws {Error} If the file cannot be read, is cut short or is not an object; the message names
 *   the file and the byte.
 */
export async function visitJson(
  path: string,
  visit: (element: JsonElement) => void,
): Promise<ReadonlySet<string>> {
  const scanner = new JsonScanner(visit);
  const file = await Deno.open(path).catch((error) => {
    throw new Error(`Cannot read ${path}: ${error.message}`);
  });
  try {
    for await (const chunk of asUtf8(path, file.readable)) scanner.push(chunk);
    scanner.end();
    return scanner.keys;
  } catch (error) {
    throw new Error(`Cannot read ${path}: ${(error as Error).message}`);
  }
}

/**
 * Converts a file to UTF-8, from the encoding that its byte-order mark says, and removes the mark.
 */
function asUtf8(
  path: string,
  bytes: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array> {
  const [first, second, third] = firstBytes(path);
  const isWide = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  if (isWide) {
    const decoder = new TextDecoderStream(first === 0xff ? "utf-16le" : "utf-16be");
    return bytes.pipeThrough(decoder).pipeThrough(new TextEncoderStream());
  }
  return first === 0xef && second === 0xbb && third === 0xbf
    ? bytes.pipeThrough(new TextDecoderStream()).pipeThrough(new TextEncoderStream())
    : bytes;
}

function firstBytes(path: string): Uint8Array {
  using file = Deno.openSync(path);
  const bytes = new Uint8Array(3);
  file.readSync(bytes);
  return bytes;
}

/** Scans bytes as they arrive. It keeps the bytes of the element that is not complete yet. */
class JsonScanner {
  readonly keys = new Set<string>();
  readonly #visit: (element: JsonElement) => void;
  #bytes = new Uint8Array(0);
  #base = 0; // position of the first of #bytes in the file
  #depth = 0;
  #inArray = false; // true: elements are at depth 2; false: at depth 1
  #key: string | undefined; // the key whose value is being read
  #index = 0;
  #start = -1; // start in #bytes of the key or element that is being read
  #inString = false;
  #escaped = false;
  #done = false;

  constructor(visit: (element: JsonElement) => void) {
    this.#visit = visit;
  }

  push(chunk: Uint8Array): void {
    const rest = this.#start < 0 ? new Uint8Array(0) : this.#bytes.subarray(this.#start);
    this.#base += this.#bytes.length - rest.length;
    if (this.#start > 0) this.#start = 0;
    const bytes = this.#bytes = new Uint8Array(rest.length + chunk.length);
    bytes.set(rest);
    bytes.set(chunk, rest.length);
    for (let at = rest.length; at < bytes.length; at++) {
      const byte = bytes[at]!;
      if (!this.#inString) this.#structure(byte, at);
      else if (this.#escaped) this.#escaped = false;
      else if (byte === backslash) this.#escaped = true;
      else if (byte === quote) this.#endString(at);
    }
  }

  /** @throws {Error} If the object at the top is not closed. */
  end(): void {
    const length = this.#base + this.#bytes.length;
    if (this.#done) return;
    if (this.#depth === 0) throw new Error("it is empty");
    const within = this.#key === undefined ? "" : `, in element ${this.#index} of "${this.#key}"`;
    throw new Error(`it is cut short: it ends after ${length} bytes${within}`);
  }

  #structure(byte: number, at: number): void {
    if (byte <= 32) return; // white space
    const here = this.#depth === (this.#inArray ? 2 : 1);
    if (byte === quote) {
      this.#begin(at);
      this.#inString = true;
    } else if (byte === openArray || byte === openObject) this.#open(byte, at);
    else if (byte === closeArray || byte === closeObject) this.#close(byte, at);
    else if (here && byte === comma) this.#emit(at);
    else if (!(this.#depth === 1 && byte === colon)) this.#begin(at);
  }

  /** Begins a key or an element, unless one has begun. */
  #begin(at: number): void {
    if (this.#depth === 0) throw this.#unexpected(at);
    if (this.#start < 0) this.#start = at;
  }

  #open(byte: number, at: number): void {
    if (this.#depth === 0) {
      if (byte !== openObject || this.#done) throw this.#unexpected(at);
    } else if (this.#depth === 1 && byte === openArray && this.#start < 0) {
      this.#inArray = true;
      this.#index = 0;
    } else this.#begin(at);
    this.#depth++;
  }

  #close(byte: number, at: number): void {
    if (this.#inArray && this.#depth === 2) {
      if (byte !== closeArray) throw this.#unexpected(at);
      if (this.#start >= 0 || this.#index > 0) this.#emit(at);
      this.#inArray = false;
      this.#key = undefined;
    } else if (this.#depth <= 1) {
      if (byte !== closeObject || this.#depth === 0) throw this.#unexpected(at);
      this.#emit(at);
    }
    this.#done = --this.#depth === 0;
  }

  #endString(at: number): void {
    this.#inString = false;
    if (this.#depth !== 1 || this.#key !== undefined) return;
    this.#key = this.#text(this.#start + 1, at);
    this.keys.add(this.#key);
    this.#start = -1;
    this.#index = 0;
  }

  /**
   * Ends the element before `at`. A missing element becomes an empty text, which is invalid JSON.
   */
  #emit(at: number): void {
    if (this.#key === undefined) {
      if (this.#start >= 0) throw this.#unexpected(at);
      return; // the comma after an array
    }
    const start = this.#start < 0 ? at : this.#start;
    this.#visit({
      key: this.#key,
      index: this.#index++,
      position: this.#base + start,
      text: this.#text(start, at),
    });
    this.#start = -1;
    if (!this.#inArray) this.#key = undefined;
  }

  #text(from: number, to: number): string {
    return decoder.decode(this.#bytes.subarray(from, to));
  }

  #unexpected(at: number): Error {
    return new Error(
      `it is not a COCO file: unexpected ${String.fromCharCode(this.#bytes[at]!)} at byte ${
        this.#base + at
      }`,
    );
  }
}
