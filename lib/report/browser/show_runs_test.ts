import { join } from "@std/path";
import { runSummaries } from "lib/experiments/browse/run_summary.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";
import { shipWrittenRun, writeRun } from "lib/testing/runs/listed_runs.ts";
import { inOutputs, withVariables } from "lib/testing/outputs.ts";
import { runsOutput, showRuns } from "./show_runs.ts";

Deno.test("runsOutput() holds table, differences and data, with nothing from elsewhere", () =>
  inOutputs(async (outputs) => {
    writeRun(outputs, { id: "start-1", steps: 2000, config: { note: "</script><b>" } });
    shipWrittenRun(join(outputs, "shipped"), { id: "start-2", steps: 40, recipe: { lr: 0.5 } });
    await withVariables({ BCSSL_SHIPPED: join(outputs, "shipped") }, async () => {
      const runs = runSummaries();
      const output = await runsOutput(runs, { metric: "knn20Top1" });
      const html = output["text/html"]!;
      assertEquals(html.split("</script>").length, 2); // one script, which nothing ends early
      assertTrue(html.includes("&lt;b&gt;"), "configs are escaped");
      assertTrue(html.includes("what differs (2)"), "the note, and lr");
      assertEquals(/https?:(?!\/\/www\.w3\.org\/2000\/svg)|(src|href)=/.exec(html), null);
      assertEquals(html.match(/<input type="checkbox"/g)!.length, 2);
      assertEquals(html, (await runsOutput(runs, { metric: "knn20Top1" }))["text/html"]);
      assertEquals(output["text/plain"]!.split("\n").length, 3);
      assertTrue(!output["text/plain"]!.includes("age"), "an age would soon be wrong");
      assertTrue(output["image/png"]!.length > 1000, "a picture");
    });
  }));

Deno.test("runsOutput() of many runs stays below 1 MB, or says how many are too many", () =>
  inOutputs(async (outputs) => {
    writeRun(outputs, { id: "run-1", steps: 1600 });
    const times = (count: number) => Array.from({ length: count }, () => runSummaries()[0]!);
    const some = await runsOutput(times(40));
    const bytes = Object.values(some).join("").length;
    assertTrue(bytes > 100_000 && bytes < 1_000_000, `${bytes} bytes`);
    assertEquals("image/png" in some, false);
    const many = () => runsOutput(times(400));
    await assertRejects(many, RangeError, "Cannot show 400 runs in one output: it would have");
  }));

Deno.test("showRuns() says in a line which metrics there are, and that there is no such run", () =>
  inOutputs(async (outputs) => {
    writeRun(outputs, { id: "start-1", steps: 4 });
    const none = () => showRuns(["start"], { metric: "rankMe" });
    await assertRejects(none, RangeError, "Cannot show rankMe of 1 run, with loss, gradNorm");
    await assertRejects(() => showRuns(["x"]), RangeError, 'Cannot find run "x"');
  }));
