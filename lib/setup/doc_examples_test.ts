/** The examples in the comments of `lib` run, and what a newcomer calls first has one. */
import { examplesIn, runExample } from "lib/setup/doc_examples.ts";
import { root } from "lib/setup/install/project.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";
import { sharedOutputs } from "lib/testing/outputs.ts";

const inSharedOutputs = sharedOutputs(); // a run that several examples need is trained once

const examples = (await sourceFiles(`${root}/lib`)).flatMap((path) =>
  examplesIn(path.slice(root.length + 1), Deno.readTextFileSync(path))
);

async function sourceFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) files.push(...await sourceFiles(path));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) files.push(path);
  }
  return files.sort();
}

for (const example of examples) {
  const { of, file, line } = example;
  Deno.test(`the example of ${of} in ${file}:${line} runs`, () =>
    inSharedOutputs((outputs) => runExample(example, outputs)));
}

Deno.test("what a newcomer calls first has an example", () => {
  const first = [
    ...["override", "pretrain", "knn", "linearProbe", "ablate", "runs", "runHistory"],
    ...["loadData", "loadWeights", "saveWeights", "watch", "saveFigure", "saveTable", "compare"],
    ...["verdicts", "kernelSizeFigure", "trainingCurves", "imageGrid", "plot"],
  ];
  const shown = new Set(examples.map(({ of }) => of));
  assertEquals(first.filter((name) => !shown.has(name)), []);
});

const fence = "```";

Deno.test("examplesIn() takes the code of comments, with the export it stands before and its line", () => {
  const text = `
/**
 * Adds one.
 *
 * ${fence}ts
 * assertEquals(plusOne(1), 2);
 *
 *   indented();
 * ${fence}
 *
 * ${fence}sh
 * deno task test
 * ${fence}
 */
export async function plusOne(x: number) {}

const text = "${fence}ts\\n no comment\\n${fence}";
/** A type. */
export type Other = string;
/**
 * ${fence}ts
 * other();
 * ${fence}
 */
const hidden = 1;
`;
  assertEquals(examplesIn("a.ts", text), [
    {
      of: "plusOne",
      file: "a.ts",
      line: 5,
      code: "assertEquals(plusOne(1), 2);\n\n  indented();\n",
    },
    { of: "", file: "a.ts", line: 21, code: "other();\n" },
  ]);
});

Deno.test("runExample() fails where an assertion of the example does", () =>
  inSharedOutputs((outputs) => {
    const code = 'import { assertEquals } from "lib/testing/assert.ts";\nassertEquals(1, 2);\n';
    const run = () => runExample({ of: "broken", file: "a.ts", line: 1, code }, outputs);
    return assertRejects(run, Error, "strictly deep-equal");
  }));
