/** Compiles C++ into a shared library, only once for the same inputs. */
import { mustRun } from "lib/setup/install/command.ts";
import { exists, fingerprint, fingerprintFiles } from "lib/setup/install/files.ts";
import { platformOf } from "lib/native/platform.ts";

export interface SharedLibrary {
  readonly sources: readonly string[];
  /**
   * Arguments of the compiler, except sources and result. Paths in them are part of the
   * fingerprint.
   */
  readonly flags: readonly string[];
  /** Where results are kept, one file for each fingerprint: `<name>-<16 hex digits>.so`. */
  readonly dir: string;
  readonly name: string;
  readonly compiler?: string;
  /** Anything else the result depends on: versions of headers. */
  readonly depends?: readonly string[];
}

/** Where the library for these sources, flags and compiler version belongs. */
export async function libraryPath(library: SharedLibrary): Promise<string> {
  const { sources, flags, dir, name, compiler = platformOf().compiler, depends = [] } = library;
  const version = await mustRun("ask for the compiler's version", compiler, ["--version"]);
  const contents = await fingerprintFiles(sources);
  return `${dir}/${name}-${fingerprint([version, contents, ...flags, "|", ...depends])}.so`;
}

/**
 * Compiles, unless that has been done before.
 *
 * @returns The library's path.
 * @throws {Error} With the compiler's last lines.
 */
export async function compileShared(library: SharedLibrary): Promise<string> {
  const path = await libraryPath(library);
  if (await exists(path)) return path;
  await Deno.mkdir(library.dir, { recursive: true });
  const partial = `${path}.${Deno.pid}.partial`;
  const args = [...library.sources, "-shared", "-fPIC", ...library.flags, "-o", partial];
  await mustRun(`compile ${library.name}`, library.compiler ?? platformOf().compiler, args);
  await Deno.rename(partial, path);
  return path;
}
