/**
 * Prepares the embedded data, in a process of its own: it needs packages that set-up has only just
 * installed.
 */
const module = new URL("../../datasets/prepare.ts", import.meta.url).href; // not a literal: the file may not exist
const { prepareData } = await import(module) as {
  prepareData: (log: (line: string) => void) => Promise<void>;
};
await prepareData((line) => console.log(line));
