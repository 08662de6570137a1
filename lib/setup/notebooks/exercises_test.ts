/**
 * The exercises of the notebooks: an unsolved cell says what is missing and fails nothing; the cell
 * in `notebooks/solutions/` is right.
 */
import { pathToFileURL } from "node:url";
import { basename } from "node:path";
import { remove } from "lib/setup/install/files.ts";
import { notebooksDir, outputsDir } from "lib/setup/install/project.ts";
import {
  codeCells,
  findNotebooks,
  type Notebook,
  readNotebook,
} from "lib/setup/notebooks/notebook.ts";
import { type ExerciseAnswer, exercisesOf, judge } from "lib/report/exercises/exercise.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/** The cells of a notebook that hold an answer. */
function exerciseCells(notebook: Notebook): string[] {
  return codeCells(notebook).map(({ source }) => source)
    .filter((source) => source.includes("report.exercise("));
}

/** The answers in cells, by name, in their order: the cells run, with a `report` that keeps them. */
async function answersIn(
  cells: readonly string[],
): Promise<[name: string, answer: ExerciseAnswer][]> {
  await Deno.mkdir(outputsDir, { recursive: true });
  const folder = await Deno.makeTempDir({ dir: outputsDir, prefix: ".exercises-" });
  try {
    const path = `${folder}/answers.ts`;
    const keep = "export const answers: unknown[] = [];\n" +
      "const report = { exercise: (...answer: unknown[]) => answers.push(answer) };\n";
    await Deno.writeTextFile(path, keep + cells.join("\n;\n"));
    return (await import(pathToFileURL(path).href)).answers;
  } finally {
    await remove(folder);
  }
}

for (const path of await findNotebooks([])) {
  const name = basename(path, ".ipynb");
  if (exercisesOf(name).length === 0) continue;

  Deno.test(`${name} asks its exercises, none of them solved`, async () => {
    const answers = await answersIn(exerciseCells(await readNotebook(path)));
    assertEquals(answers.map(([exercise]) => exercise), exercisesOf(name));
    for (const [exercise, answer] of answers) {
      const { solved, message } = judge(exercise, answer);
      assertEquals([exercise, solved], [exercise, false]);
      assertTrue(message.includes(`notebooks/solutions/${name}.ipynb`), message);
    }
  });

  Deno.test(`solutions/${name} solves them all`, async () => {
    const solutions = await readNotebook(`${notebooksDir}/solutions/${name}.ipynb`);
    const answers = await answersIn(exerciseCells(solutions));
    assertEquals(answers.map(([exercise]) => exercise), exercisesOf(name));
    for (const [exercise, answer] of answers) {
      assertEquals(
        judge(exercise, answer).message.replace(/ for all.*/, ""),
        `${exercise} is right`,
      );
    }
  });
}

Deno.test("there are solutions of notebooks with exercises only", () => {
  const files = [...Deno.readDirSync(`${notebooksDir}/solutions`)].map(({ name }) => name);
  const without = files.filter((file) => exercisesOf(basename(file, ".ipynb")).length === 0);
  assertEquals(without, []);
});
