import { projectFolder } from "lib/paths.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { withVariables } from "lib/testing/outputs.ts";
import { readShipArguments, shippingTable } from "./ship_task.ts";

const elsewhere = { BCSSL_OUTPUTS: "/runs", BCSSL_SHIPPED: "mine", INIT_CWD: "/here" };

Deno.test("readShipArguments() reads folders from where the task was called, patterns and weights", () =>
  withVariables(elsewhere, () => {
    const folders = { outputs: "/runs", to: `${projectFolder}/mine` };
    assertEquals(readShipArguments([]), { ...folders, weights: "first" });
    assertEquals(readShipArguments(["--outputs", "a", "--to", "/b", "c*", "d", "--weights=none"]), {
      outputs: "/here/a",
      to: "/b",
      weights: [],
      patterns: ["c*", "d"],
    });
    const weights = (...args: string[]) => readShipArguments(args)!.weights;
    assertEquals(weights("--weights", "all"), ["*"]);
    assertEquals(weights("--weights", "a*", "--weights", "b*"), ["a*", "b*"]);
    const { snapshots } = readShipArguments(["--snapshots", "a*", "--snapshots", "b"])!;
    assertEquals(snapshots, ["a*", "b"]);
    assertEquals(readShipArguments(["--drop-weights", "a*"])!.dropped, ["a*"]);
    assertEquals(readShipArguments(["--help"]), undefined);
    const both = () => readShipArguments(["--weights", "all", "--weights", "b*"]);
    assertThrows(both, RangeError, "--weights all goes with no other");
    assertThrows(() => readShipArguments(["--fast"]), RangeError, "see deno task ship --help");
    return Promise.resolve();
  }));

Deno.test("readShipArguments() asks for a folder where BCSSL_SHIPPED is none", () =>
  withVariables({ ...elsewhere, BCSSL_SHIPPED: "none" }, () => {
    assertThrows(() => readShipArguments([]), RangeError, "BCSSL_SHIPPED is none");
    assertEquals(readShipArguments(["--to", "x"])!.to, "/here/x");
    return Promise.resolve();
  }));

Deno.test("shippingTable() has a line for each run, in columns, and the size of all", () => {
  const run = { steps: 3120, evaluations: ["knn", "linear"], package: new Uint8Array(12_345) };
  const text = shippingTable({
    to: "data/shipped",
    runs: [
      { ...run, id: "bcssl_k9-12345678", weights: new Uint8Array(1_000_000) },
      { ...run, id: "start-12345678", evaluations: [] },
    ],
    refused: [],
    notes: [],
    totalBytes: 1_024_690,
  });
  assertEquals(text.split("\n"), [
    "run                   steps     numbers     weights  evaluations",
    "bcssl_k9-12345678     3,120     12.3 kB   1000.0 kB  knn linear",
    "start-12345678        3,120     12.3 kB           –",
    "2 runs; data/shipped holds 1.0 of at most 40.0 MB",
  ]);
});

Deno.test("the task ships what is finished, names what is not, and ends with 1 then", async () => {
  const outputs = await Deno.makeTempDir();
  try {
    Deno.mkdirSync(`${outputs}/begun-12345678`);
    const config = { id: "begun-12345678", seed: 0, recipe: {}, data: { kind: "emoji" } };
    const write = (name: string, value: object) =>
      Deno.writeTextFileSync(`${outputs}/begun-12345678/${name}`, JSON.stringify(value));
    write("config.json", config);
    write("environment.json", { sessions: [] });
    write("status.json", { step: 3, totalSteps: 9, finished: false });
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", new URL("ship_task.ts", import.meta.url).href],
      env: { BCSSL_OUTPUTS: outputs, BCSSL_SHIPPED: `${outputs}/to`, INIT_CWD: "/" },
    }).output();
    const text = new TextDecoder().decode(stderr);
    assertTrue(text.includes("Cannot ship begun-12345678: it is at step 3 of 9\n"), text);
    assertTrue(new TextDecoder().decode(stdout).includes("0 runs;"), text);
    assertEquals(code, 1);
  } finally {
    await Deno.remove(outputs, { recursive: true });
  }
});
