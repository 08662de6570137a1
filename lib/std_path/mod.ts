/**
 * Stands in for `jsr:@std/path` where the JSR registry is out of reach: `links` in `deno.json` points the
 * `jsr:` import here. Only the functions this project uses, with the registry package's names and meanings.
 */
export { basename, dirname, extname, join, relative, resolve } from "node:path";
export { fileURLToPath as fromFileUrl, pathToFileURL as toFileUrl } from "node:url";
