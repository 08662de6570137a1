/** Unpacks small archives in memory. */
import { Buffer } from "node:buffer";
import { basename } from "@std/path";
import { list } from "tar";

/**
 * The files of a TAR, gzipped or not, by their names without folders.
 *
 * @throws {Error} If it is damaged or cut short; the message says what to do.
 */
export async function unpackArchive(path: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  await list({
    file: path,
    strict: true,
    onReadEntry: (entry) => {
      const parts: Buffer[] = [];
      entry.on("data", (part) => parts.push(part));
      entry.on("end", () => files.set(basename(entry.path), new Uint8Array(Buffer.concat(parts))));
    },
  }).catch((error) => {
    throw new Error(`Cannot unpack ${path} (${error.message}): download it again`);
  });
  return files;
}
