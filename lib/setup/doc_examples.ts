/** Examples in comments: they are found by their ```ts, and run as a notebook's cell would be. */
import { pathToFileURL } from "node:url";

/** Code between ```ts and ``` in a comment. */
export interface DocExample {
  /** Name of what the comment stands before: `override`; empty where that is no export. */
  readonly of: string;
  /** Path of its file, as it was given. */
  readonly file: string;
  /** Line of its ```ts, from 1. */
  readonly line: number;
  readonly code: string;
}

/** All examples of a file, in its order. */
export function examplesIn(file: string, text: string): DocExample[] {
  return [...text.matchAll(/\/\*\*(?:(?!\*\/)[^])*\*\//g)].flatMap(({ 0: comment, index }) => {
    const after = text.slice(index + comment.length);
    const of = /^\s*export (?:async )?(?:function\*?|const|interface|type) (\w+)/.exec(after)?.[1];
    return [...comment.matchAll(/^ *\* ```ts\n([^]*?)^ *\* ```$/gm)].map((block) => ({
      of: of ?? "",
      file,
      line: text.slice(0, index + block.index).split("\n").length,
      code: block[1]!.replace(/^ *\* ?/gm, ""),
    }));
  });
}

/**
 * Runs an example as a module of its own, in this process, so that the engine is loaded once.
 *
 * @param folder Folder to write the module to.
 * @throws What the example throws.
 */
export async function runExample({ of, line, code }: DocExample, folder: string): Promise<void> {
  const path = `${folder}/${of}_line_${line}.ts`;
  await Deno.writeTextFile(path, code);
  await import(pathToFileURL(path).href);
}
