/** Ships smoke runs to a temporary folder. */
import { join } from "@std/path";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { planShipping, type ShipOptions, writeShipping } from "./ship_runs.ts";
import {
  copyOfShipped,
  detectorRun,
  filesIn,
  flipByte,
  ids,
  inFolders,
  outputs,
  root,
  shipped,
  to,
  twin,
} from "lib/testing/shipped_runs.ts";

/** Ships to a new folder. */
function ship(options: Partial<ShipOptions> = {}): Map<string, string> {
  const folder = Deno.makeTempDirSync({ dir: root });
  writeShipping(planShipping({ outputs, to: folder, ...options }));
  return filesIn(folder);
}

Deno.test("shipping twice gives the same bytes, and writes no file that is there already", async () => {
  await shipped();
  assertEquals(ship(), filesIn(to));
  const times = () => [...filesIn(to).keys()].map((name) => Deno.statSync(join(to, name)).mtime);
  for (const name of filesIn(to).keys()) Deno.utimeSync(join(to, name), 1, 1);
  const before = times();
  writeShipping(planShipping({ outputs, to }));
  assertEquals(times(), before);
});

Deno.test("weights are shipped of the lowest seed of an arm, or of the runs that are named", async () => {
  await shipped();
  const weights = (files: Map<string, string>) =>
    [...files.keys()].filter((name) => name.endsWith(".safetensors"))
      .map((name) => name.replace(".safetensors", ""));
  const of = (...ids: readonly string[]) => ids.toSorted();
  assertEquals(weights(ship()), of(ids[0]!, twin, detectorRun));
  assertEquals(weights(ship({ weights: [] })), []);
  assertEquals(weights(ship({ weights: ["*"] })), of(...ids, twin, detectorRun));
  assertEquals(weights(ship({ patterns: [ids[1]!] })), [ids[1]!]);
  assertEquals(weights(ship({ patterns: ["test_*"] })), of(twin, detectorRun));
  // A lower seed that is shipped already keeps its place, and a run loses weights that are not
  // chosen.
  const folder = copyOfShipped();
  writeShipping(planShipping({ outputs, to: folder, patterns: [ids[1]!] }));
  assertEquals(weights(filesIn(folder)), of(ids[0]!, twin, detectorRun));
  writeShipping(planShipping({ outputs, to: folder, patterns: ids, weights: [ids[1]!] }));
  assertEquals(weights(filesIn(folder)), of(ids[1]!, twin, detectorRun));
  assertThrows(() => ship({ outputs: join(root, "none") }), RangeError, "Cannot ship runs of");
  assertThrows(() => ship({ patterns: ["nothing*"] }), RangeError, 'Cannot ship "nothing*"');
});

Deno.test("shipping refuses more than the limit, and writes nothing then", async () => {
  await shipped();
  const folder = join(root, "too large");
  const plan = planShipping({ outputs, to: folder });
  const all = ship();
  const bytes = [...all.values()].reduce((sum, hex) => sum + hex.length / 2, 0);
  assertEquals(plan.totalBytes, bytes);
  const tooLarge = () => writeShipping(plan, { limit: bytes - 1 });
  assertThrows(tooLarge, RangeError, "are allowed; ship the weights of fewer runs");
  assertThrows(() => Deno.statSync(folder), Deno.errors.NotFound, "");
  writeShipping(plan, { limit: bytes });
  assertEquals(filesIn(folder), all);
  // What is there and stays counts as well.
  Deno.writeFileSync(join(folder, "other.safetensors"), new Uint8Array(1000));
  Deno.removeSync(join(folder, `${ids[0]}.run`));
  const again = planShipping({ outputs, to: folder, patterns: [ids[1]!], weights: [] });
  assertEquals(again.totalBytes, bytes + 1000 - all.get(`${ids[0]}.run`)!.length / 2);
});

Deno.test("shipped files hold no path and no name of the machine, and nothing of a session but its software", async () => {
  await shipped();
  const folder = copyOfShipped();
  await inFolders(async () => {
    const { unpackRun } = await import("lib/runs/run_package.ts");
    const texts = [...filesIn(folder).keys()].map((name) => {
      const bytes = Deno.readFileSync(join(folder, name));
      if (!name.endsWith(".run")) return new TextDecoder("latin1").decode(bytes);
      const { header, parts } = unpackRun(name, bytes);
      const { sessions } = header as { readonly sessions: readonly object[] };
      const allowed = ["fromStep", "began", "versions", "cpu", "gpu", "threads", "commit"];
      assertEquals(
        sessions.flatMap((session) => Object.keys(session)).filter((name) =>
          !allowed.includes(name)
        ),
        [],
      );
      const decoder = new TextDecoder("latin1");
      return JSON.stringify(header) +
        [...parts.values()].map((part) => decoder.decode(part)).join();
    });
    for (const secret of [root, Deno.cwd(), Deno.osRelease()]) {
      assertEquals(texts.filter((text) => text.includes(secret)), [], secret);
    }
  });
});

Deno.test("runs that cannot be shipped are named with the reason, and the others are shipped", async () => {
  await shipped();
  const here = Deno.makeTempDirSync({ dir: root });
  const copy = (id: string) => {
    Deno.mkdirSync(join(here, id));
    for (const { name } of Deno.readDirSync(join(outputs, id))) {
      Deno.copyFileSync(join(outputs, id, name), join(here, id, name));
    }
    return join(here, id);
  };
  const edit = (path: string, change: (value: Record<string, unknown>) => object) => {
    const value = JSON.parse(Deno.readTextFileSync(path));
    Deno.writeTextFileSync(path, JSON.stringify({ ...value, ...change(value) }));
  };
  const [first, second] = ids.map(copy);
  const refused = (weights: ShipOptions["weights"] = ["*"]) =>
    planShipping({ outputs: here, to: join(here, "to"), weights }).refused;
  assertEquals(refused(), []);

  edit(`${second}/status.json`, () => ({ finished: false, step: 4 }));
  assertEquals(refused(["*"]), [`Cannot ship ${ids[1]}: it is at step 4 of 8`]);
  const { runs } = planShipping({ outputs: here, to: join(here, "to") });
  assertEquals(runs.map(({ id }) => id), [ids[0]]);
  Deno.removeSync(`${second}/status.json`);
  assertEquals(refused(), [`Cannot ship ${ids[1]}: it has no checkpoint yet`]);
  Deno.removeSync(second!, { recursive: true });

  const [, text] = await Promise.all([shipped(), Deno.readTextFile(`${first}/metrics.jsonl`)]);
  Deno.writeTextFileSync(`${first}/metrics.jsonl`, text.replace(/^.*"step":7,.*\n/m, ""));
  assertEquals(refused(), [`Cannot ship ${ids[0]}: its metrics.jsonl lacks 1 of 8 steps`]);
  Deno.writeTextFileSync(`${first}/metrics.jsonl`, text);

  const config = Deno.readTextFileSync(`${first}/config.json`);
  edit(`${first}/config.json`, () => ({ data: { kind: "imagenet", folder: "/mnt/imagenet" } }));
  assertEquals(refused(), [
    `Cannot ship ${
      ids[0]
    }: its config names a path of this machine: data.folder is "/mnt/imagenet"`,
  ]);
  edit(`${first}/config.json`, () => ({ data: { kind: "folder", train: "a", test: "b" } }));
  assertTrue(refused()[0]!.endsWith("pictures that others do not have"), refused().join());
  Deno.writeTextFileSync(`${first}/config.json`, config);

  flipByte(`${first}/checkpoint-00000008.safetensors`, -3);
  assertTrue(
    refused()[0]!.startsWith(`Cannot ship ${ids[0]}: Cannot resume from`),
    refused().join(),
  );
  assertEquals(refused([]), []); // its numbers need no checkpoint
  Deno.removeSync(`${first}/checkpoint-00000008.safetensors`);
  assertTrue(
    refused()[0]!.includes("the checkpoint of its last step is missing"),
    refused().join(),
  );
  Deno.removeSync(`${first}/environment.json`);
  assertTrue(refused([])[0]!.includes("environment.json is missing"), refused().join());
});

Deno.test("results that name a path, or are of weights shipped earlier, are left out and named", async () => {
  await shipped();
  const here = Deno.makeTempDirSync({ dir: root });
  const folder = join(here, ids[0]!);
  Deno.mkdirSync(folder);
  for (const { name } of Deno.readDirSync(join(outputs, ids[0]!))) {
    Deno.copyFileSync(join(outputs, ids[0]!, name), join(folder, name));
  }
  const path = join(folder, "knn.json");
  const results = JSON.parse(Deno.readTextFileSync(path));
  const ofFile = { options: { of: { weights: "/mnt/a.pth" }, version: "1" }, result: 1 };
  const older = { ...results[0], shipped: "0" };
  Deno.writeTextFileSync(path, JSON.stringify([...results, ofFile, older]));
  const { notes, runs } = planShipping({ outputs: here, to, weights: [] });
  assertEquals(notes, [
    `${ids[0]}: a result in knn.json is left out, since it names a path of this machine: ` +
    'options.of.weights is "/mnt/a.pth"',
    `${ids[0]}: a result in knn.json is left out, since it is of weights that were shipped earlier`,
  ]);
  assertEquals(
    runs[0]!.package,
    planShipping({ outputs, to, patterns: [ids[0]!], weights: [] }).runs[0]!.package,
  );
});
