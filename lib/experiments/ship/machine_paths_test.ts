import { homedir } from "node:os";
import { projectFolder } from "lib/paths.ts";
import { assertEquals } from "lib/testing/assert.ts";
import { pathIn } from "./machine_paths.ts";

Deno.test("pathIn() says where in plain data a path of this machine stands", () => {
  const of = (path: string) => pathIn({ a: 1, b: [null, { c: path }] });
  const paths = [
    "/data/birds",
    "~/birds",
    "file:///data",
    "C:\\birds",
    "\\\\server\\birds",
    `see ${projectFolder}/x`,
    `${homedir()}/x`,
  ];
  for (const path of paths) assertEquals(of(path), `b.1.c is "${path}"`);
  const others = ["laptop", "step 12", "data/coco", "stages.1.0", "4/5", "a:b", ""];
  for (const text of others) assertEquals(of(text), undefined, text);
});
