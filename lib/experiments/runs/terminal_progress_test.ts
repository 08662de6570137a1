import { barOptions, terminalProgress } from "./terminal_progress.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("the terminal's bar says the time left in whole units, and says when it does not know it", () => {
  const { format, formatTime } = barOptions({ terminal: true });
  assertEquals([239.7, 45, 3599, "NULL", "INF"].map((time) => formatTime(time as number)), [
    "4.0 min",
    "45 s",
    "60.0 min",
    "an unknown time",
    "an unknown time",
  ]);
  assertTrue(format.includes("{bar}") && format.endsWith("{eta_formatted} left"), format);
  assertTrue(!barOptions({ terminal: false }).format.includes("{bar}"), "a log has no bar");
});

Deno.test("the terminal says where a run that comes with the project was trained", () => {
  const error = console.error;
  const lines: string[] = [];
  console.error = (line: string) => void lines.push(line);
  try {
    using progress = terminalProgress("start-12345678");
    progress.onShipped!({ commits: ["abc1234def"], date: "2026-11-29", processors: ["AMD EPYC"] });
  } finally {
    console.error = error;
  }
  assertEquals(lines, [
    "start-12345678: shipped with the project: trained at commit abc1234, 2026-11-29, on AMD EPYC",
  ]);
});
