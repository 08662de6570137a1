import { basename } from "node:path";
import { courseParts, coursePlan } from "lib/report/figures/course.ts";
import { notebooksDir, root } from "lib/setup/install/project.ts";
import { findNotebooks } from "lib/setup/notebooks/notebook.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const names = courseParts.map(({ name }) => name);

Deno.test("the course has every notebook, in the order of their names, and each stands after what it needs", async () => {
  const files = (await findNotebooks([])).map((path) => basename(path, ".ipynb"));
  assertEquals(names, files.filter((name) => name !== "00_course"));
  for (const { name, after } of courseParts) {
    for (const needed of after) {
      assertTrue(names.includes(needed), `${name} needs ${needed}`);
      assertTrue(names.indexOf(needed) < names.indexOf(name), `${needed} stands before ${name}`);
    }
  }
});

Deno.test("a lecture is within an hour and a half, an afternoon and each day of a week within five hours", () => {
  const minutes = (length: "lecture" | "afternoon") =>
    Number(coursePlan(length).at(-1)!["minutes so far"]);
  assertTrue(minutes("lecture") <= 90, "a lecture");
  assertTrue(minutes("afternoon") <= 300, "an afternoon");
  const week = coursePlan("week");
  assertEquals(week.length, names.length);
  assertTrue(week.every((row) => Number(row["minutes so far"]) <= 300), "each day");
  const days = week.map(({ day }) => Number(day));
  assertEquals(days, days.toSorted((a, b) => a - b));
  assertThrows(() => coursePlan("year" as "week"), RangeError, 'Unknown course "year"');
});

Deno.test("the README and the page for teachers name every notebook", () => {
  for (const path of [`${root}/README.md`, `${notebooksDir}/teaching.md`]) {
    const text = Deno.readTextFileSync(path);
    assertEquals(names.filter((name) => !text.includes(name)), [], path);
  }
});
