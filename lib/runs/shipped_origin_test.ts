import { assertEquals } from "lib/testing/assert.ts";
import { originInWords } from "./shipped_origin.ts";

const origin = {
  commits: ["abc1234def5678"],
  date: "2026-11-29",
  processors: ["AMD EPYC"],
};

Deno.test("originInWords() names commit, date and processor of one run", () => {
  assertEquals(
    originInWords([origin]),
    "shipped with the project: trained at commit abc1234, 2026-11-29, on AMD EPYC",
  );
  assertEquals(
    originInWords([{ ...origin, commits: [] }]),
    "shipped with the project: trained 2026-11-29, on AMD EPYC",
  );
});

Deno.test("originInWords() counts runs, and names what differs between them", () => {
  const other = { commits: ["fff0000aaa+"], date: "2026-11-27", processors: ["Intel Xeon"] };
  assertEquals(
    originInWords([origin, origin, other]),
    "3 runs shipped with the project: trained at commits abc1234, fff0000+, 2026-11-27 to " +
      "2026-11-29, on AMD EPYC; Intel Xeon",
  );
  const many = ["1", "2", "3", "4"].map((commit) => ({ ...origin, commits: [commit] }));
  assertEquals(originInWords(many).includes("trained at 4 commits, 2026-11-29"), true);
});
