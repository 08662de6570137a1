/** Finds out why a picture cannot be decoded. */

/** Decodings under way in this thread. */
const running = new Set<Promise<unknown>>();
/**
 * Resolves when no picture is being decoded a second time for its error message. Until then no
 * other decoding begins.
 */
let alone: Promise<unknown> = Promise.resolve();

/**
 * Decodes a picture, or says why it cannot be.
 *
 * libvips keeps one list of messages for all threads: if several pictures are decoded at once, a
 * damaged one may get "Unknown error" or the message of another. So a picture that fails is decoded
 * once more while this thread decodes no other.
 *
 * @returns What `decode` returns, or the reason.
 */
export async function decodeOrReason<T extends object>(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => Promise<T>,
): Promise<T | string> {
  for (let seen; seen !== alone;) await (seen = alone); // another may have failed meanwhile
  const first = decode(bytes);
  running.add(first);
  try {
    return await first;
  } catch {
    running.delete(first);
    const again = alone.then(() => Promise.allSettled(running)).then(() => decode(bytes))
      .catch((error) => reasonOf(bytes, error));
    alone = again;
    return await again;
  } finally {
    running.delete(first);
  }
}

/**
 * Why a picture cannot be decoded.
 *
 * @param error What the decoder threw.
 */
export function reasonOf(bytes: Uint8Array, error: unknown): string {
  if (bytes.length === 0) return "the file is empty";
  const kind = kindOfBytes(bytes);
  if (kind === undefined) return `it is no picture: it begins with ${beginningOf(bytes)}`;
  const message = (error as Error).message.split("\n")[0]!.trim();
  return /unknown error/i.test(message) || message === "" ? `it is a damaged ${kind}` : message;
}

const beginnings: readonly (readonly [kind: string, bytes: RegExp])[] = [
  ["JPEG", /^\xff\xd8\xff/],
  ["PNG", /^\x89PNG/],
  ["WebP", /^RIFF....WEBP/s],
  ["GIF", /^GIF8/],
  ["TIFF", /^(II\*\0|MM\0\*|II\+\0|MM\0\+)/],
  ["BMP", /^BM/],
  ["PPM", /^P6[\s#]/],
  ["AVIF", /^....ftypavi[fs]/s],
  ["HEIC picture, which cannot be read here", /^....ftyp(hei|hev|mif|msf)/s],
  ["SVG", /^\s*<(\?xml|svg)/],
];

/** What a file is by its first bytes; `undefined` if no known picture. */
function kindOfBytes(bytes: Uint8Array): string | undefined {
  const text = String.fromCharCode(...bytes.subarray(0, 16));
  return beginnings.find(([, pattern]) => pattern.test(text))?.[0];
}

/** The first bytes as text, or as numbers if they are none. */
function beginningOf(bytes: Uint8Array): string {
  const first = bytes.subarray(0, 12);
  if (first.every((byte) => byte >= 0x20 && byte < 0x7f)) {
    return JSON.stringify(String.fromCharCode(...first));
  }
  return `the bytes ${[...first.subarray(0, 4)].join(", ")}`;
}
