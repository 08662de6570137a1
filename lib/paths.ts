/**
 * Paths as people write them, and the one place that results are written to. Imports no package:
 * set-up uses it too.
 */
import { homedir } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder, absolute, without a slash at its end. */
export const projectFolder: string = fileURLToPath(new URL("..", import.meta.url))
  .replace(/[/\\]$/, "");

/**
 * The absolute path that a person means, in a config, a cell, an option or an environment variable:
 * `~` and `~/birds` start at the home folder, `file:///data/birds` is `/data/birds`, and a relative
 * path starts at `from`.
 *
 * @param from By default the current folder: in a notebook the notebook's own, in a terminal the
 *   one the command runs in.
 * @throws {RangeError} If the text is empty or the address of another machine; the message says
 *   what to give instead.
 */
export function absolutePath(path: string, from: string = Deno.cwd()): string {
  if (path.trim() === "") {
    throw new RangeError('Cannot find the path "": give the path of a file or a folder');
  }
  if (/^file:/i.test(path)) return pathOfAddress(path);
  const address = /^[a-z][a-z0-9+.-]+:\/\//i.exec(path);
  if (address) {
    throw new RangeError(
      `Cannot find the path ${path}: it is an address; download it, and give the path of the file`,
    );
  }
  return resolve(from, path.replace(/^~(?=$|[/\\])/, () => homedir()));
}

function pathOfAddress(address: string): string {
  try {
    return resolve(fileURLToPath(address));
  } catch (error) {
    throw new RangeError(
      `Cannot find the path ${address}: ${
        (error as Error).message
      }; write it as file:///folder/file`,
    );
  }
}

/**
 * Where runs, figures, tables and executed notebooks are written: `outputs/` in the project, unless
 * the environment variable `BCSSL_OUTPUTS` names another folder. If that is relative, it starts at
 * the project's folder, so that it is one place whichever folder a notebook or a command runs in.
 */
export function outputsFolder(): string {
  return absolutePath(Deno.env.get("BCSSL_OUTPUTS") || "outputs", projectFolder);
}

/**
 * Where the runs lie that come with the project: `data/shipped/`, unless the environment variable
 * `BCSSL_SHIPPED` names another folder. A relative one starts at the project's folder.
 *
 * @returns `undefined` if the variable is `none`: nothing shipped is to be used.
 */
export function shippedFolder(): string | undefined {
  const folder = Deno.env.get("BCSSL_SHIPPED") || "data/shipped";
  return folder === "none" ? undefined : absolutePath(folder, projectFolder);
}
