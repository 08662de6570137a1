/**
 * Lists what a TAR file holds and where, by its headers alone: contents are not read, so 140 GB
 * take a minute, not an hour.
 */
import { Buffer } from "node:buffer";
import { readSync } from "node:fs";
import { Header, Pax } from "tar";

/** A file in an archive. */
export interface TarMember {
  /** The path that the archive has, with `/` between folders. */
  readonly name: string;
  /** First byte, counted from the start of the file that was opened. */
  readonly offset: number;
  /** Length in bytes. */
  readonly length: number;
}

/** A part of a file that is a TAR: all of it, or a member that is one. */
export interface TarRange {
  /** Name of the archive in messages. */
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

const block = 512; // bytes; everything in a TAR starts at a multiple of it

/**
 * The files in an archive, in its order; folders and links are passed over.
 *
 * @param file Descriptor of the file that holds the archive.
 * @throws {Error} If it is no TAR, or is cut short; the message says at which byte.
 */
export function* tarMembers(
  file: number,
  { name, offset, length }: TarRange,
): Generator<TarMember> {
  const end = offset + length;
  const refuse = (at: number, what: string) =>
    new Error(
      `Cannot read ${name}: ${what} at byte ${
        at - offset
      } of ${length}; was it downloaded to its end?`,
    );
  const buffer = Buffer.alloc(block);
  let extended: Pax | undefined; // what an extra header says about the next file
  let longName: string | undefined;
  for (let at = offset;;) {
    if (at + block > end) throw refuse(at, "it is cut short, the mark of its end is missing");
    readAt(file, buffer, at);
    const header = new Header(buffer, 0, extended);
    if (header.nullBlock) return;
    if (!header.cksumValid) throw refuse(at, "there is no TAR header");
    const { size = 0, type, path = "" } = header;
    const body = { offset: at + block, length: size };
    at += block + Math.ceil(size / block) * block;
    if (body.offset + size > end) throw refuse(body.offset, `it is cut short in ${path}`);
    if (type === "ExtendedHeader") extended = Pax.parse(textAt(file, body));
    else if (type === "NextFileHasLongPath") longName = textAt(file, body).replace(/\0.*$/s, "");
    else {
      if (type === "File" || type === "OldFile") yield { name: longName ?? path, ...body };
      extended = longName = undefined;
    }
  }
}

function readAt(file: number, buffer: Buffer, position: number): void {
  for (let done = 0; done < buffer.length;) {
    const read = readSync(file, buffer, done, buffer.length - done, position + done);
    if (read === 0) {
      throw new Error(`Cannot read byte ${position + done}: the file has become shorter`);
    }
    done += read;
  }
}

function textAt(file: number, { offset, length }: Pick<TarMember, "offset" | "length">): string {
  const buffer = Buffer.alloc(length);
  readAt(file, buffer, offset);
  return buffer.toString("utf8");
}
