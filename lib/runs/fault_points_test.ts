import { type FaultPoint, onFaultPoint } from "./fault_points.ts";
import { openMetricsLog, readMetrics } from "./metrics_log.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

/** Runs in a folder of its own with a function at the fault points, and removes the function. */
function armed(
  strike: (point: FaultPoint, path: string) => void,
  body: (folder: string) => void,
): void {
  const folder = Deno.makeTempDirSync();
  onFaultPoint(strike);
  try {
    body(folder);
  } finally {
    onFaultPoint(undefined);
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a line of metrics that fails half way does not count, and the log is cut there when it is opened again", () => {
  let lines = 0;
  armed((point) => {
    if (point === "line half written" && ++lines === 2) throw new Error("struck");
  }, (folder) => {
    const path = `${folder}/metrics.jsonl`;
    {
      using log = openMetricsLog(path, 0);
      log.write({ step: 1, metrics: { loss: 2 } });
      assertThrows(() => log.write({ step: 2, metrics: { loss: 1 } }), Error, "Cannot write");
    }
    const steps: number[] = [];
    const { bytes } = readMetrics(path, Infinity, ({ step }) => void steps.push(step));
    assertEquals(steps, [1]);
    assertTrue(bytes < Deno.statSync(path).size, "half a line stands behind it");
    using _log = openMetricsLog(path, bytes);
    assertEquals(Deno.readTextFileSync(path), '{"step":1,"loss":2}\n');
  });
});

Deno.test("no file but tests arms a fault point", async () => {
  const lib = `${import.meta.dirname}/..`;
  const arming: string[] = [];
  for (const path of await sourcesBelow(lib)) {
    const name = path.slice(lib.length + 1);
    if (name.endsWith("_test.ts") || name.startsWith("testing/")) continue;
    if ((await Deno.readTextFile(path)).includes("onFaultPoint(")) arming.push(name);
  }
  assertEquals(arming, ["runs/fault_points.ts"]);
});

async function sourcesBelow(dir: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (isDirectory) paths.push(...await sourcesBelow(`${dir}/${name}`));
    else if (name.endsWith(".ts")) paths.push(`${dir}/${name}`);
  }
  return paths;
}
