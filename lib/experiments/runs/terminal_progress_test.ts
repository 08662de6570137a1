import { barOptions } from "./terminal_progress.ts";
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
