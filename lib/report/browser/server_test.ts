import { join } from "@std/path";
import { categorical } from "lib/report/draw/plot.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import { logOf, shipWrittenRun, writeRun } from "lib/testing/runs/listed_runs.ts";
import { inOutputs, withVariables } from "lib/testing/outputs.ts";
import { asset } from "./page.ts";
import { serveRuns } from "./server.ts";

/** Serves the runs of a folder, with `ours-1` among those that come with the project. */
async function served(
  use: (
    get: (path: string, init?: RequestInit) => Promise<Response>,
    outputs: string,
    url: string,
  ) => Promise<void>,
): Promise<void> {
  await inOutputs(async (outputs) => {
    writeRun(outputs, { id: "start-1", steps: 20, updated: "2026-11-02T00:00:00.000Z" });
    writeRun(outputs, { id: "start-2", steps: 10, totalSteps: 40, recipe: { lr: 0.5 } });
    shipWrittenRun(join(outputs, "shipped"), { id: "ours-1", steps: 30 });
    await withVariables({ BCSSL_SHIPPED: join(outputs, "shipped") }, async () => {
      const stop = new AbortController();
      const { url, finished } = serveRuns({ port: 0, signal: stop.signal });
      try {
        await use((path, init) => fetch(new URL(path, url), init), outputs, url);
      } finally {
        stop.abort();
        await finished;
      }
    });
  });
}

Deno.test("the server lists runs, sorted, with the curves of those that are chosen", () =>
  served(async (get, outputs) => {
    const { runs, columns, curves, metrics } = await (await get("/state.json")).json();
    const ids = runs.map(({ id }: { id: string }) => id);
    assertEquals([ids[0], ids.toSorted()], ["start-1", ["ours-1", "start-1", "start-2"]]);
    assertEquals([curves, metrics], [[], []]);
    assertEquals(columns[0], { title: "run", right: false, sort: "id" });
    const [half] = runs.filter(({ id }: { id: string }) => id === "start-2");
    assertEquals([half.state, half.progress, half.cells[5]], ["stopped", 0.25, "10/40"]);

    const path = "/state.json?sort=loss&metric=loss&run=start-2&run=ours-1&run=gone-1";
    const state = await (await get(path)).json();
    assertEquals(state.runs[0].id, "ours-1");
    assertEquals(state.metric, { name: "loss", label: "loss (nats)" });
    const lengths = () => state.curves.map(({ points }: { points: unknown[] }) => points.length);
    assertEquals(lengths(), [10, 30]);
    const log = join(outputs, "start-2", "metrics.jsonl");
    Deno.writeTextFileSync(log, logOf(10, 13), { append: true });
    const later = await (await get(path)).json();
    assertEquals(later.curves[0].points.at(-1), [13, 4.87]);
    const other = await (await get("/state.json?metric=nonsense&run=start-1")).json();
    assertEquals(other.metric.name, "loss");
  }));

Deno.test("the server sets configs side by side, in the order of the question", () =>
  served(async (get) => {
    const { runs, rows } = await (await get("/configs.json?run=start-2&run=start-1")).json();
    assertEquals(runs, ["start-2", "start-1"]);
    const different = rows.filter(({ differs }: { differs: boolean }) => differs);
    assertEquals(different, [{ path: "recipe.lr", values: ["0.5", "0.001"], differs: true }]);
  }));

Deno.test("the server shows figures, and no other file", () =>
  served(async (get, outputs) => {
    const figures = join(outputs, "figures");
    Deno.mkdirSync(figures);
    for (const name of ["b.svg", "b.png", "a one.png", "notes.txt"]) {
      Deno.writeTextFileSync(join(figures, name), name);
    }
    const state = await (await get("/state.json")).json();
    const listed = state.figures.map(({ name, files }: Record<string, unknown>) => [name, files]);
    assertEquals(listed, [["a one", ["a one.png"]], ["b", ["b.svg", "b.png"]]]);
    const svg = await get("/figures/b.svg?1");
    assertEquals([await svg.text(), svg.headers.get("content-type")], ["b.svg", "image/svg+xml"]);
    assertTrue(svg.headers.get("content-security-policy")!.includes("sandbox"), "no scripts");
    assertEquals(await (await get("/figures/a%20one.png")).text(), "a one.png");
    const config = encodeURIComponent("../start-1/config.json");
    for (const path of ["notes.txt", config, "%2e%2e%2fx.svg", "none.svg"]) {
      const refused = await get(`/figures/${path}`);
      assertEquals([await refused.text(), refused.status], ["There is nothing here\n", 404]);
    }
  }));

Deno.test("the server only reads, only for this machine, and loads nothing from elsewhere", () =>
  served(async (get, _outputs, url) => {
    const page = await get("/");
    const text = await page.text();
    assertEquals(page.headers.get("content-type"), "text/html; charset=utf-8");
    assertTrue(page.headers.get("content-security-policy")!.startsWith("default-src 'none'"), "");
    assertEquals(
      /(?:src|href)="(?!data:)[^"]*"|https?:(?!\/\/www\.w3\.org\/2000\/svg)/.exec(text),
      null,
    );
    assertTrue(!/^(import|export) /m.test(text), "the scripts stand in the page");
    const posted = await get("/state.json", { method: "POST" });
    assertEquals([posted.status, await posted.text()], [405, "Only reading\n"]);
    assertTrue(new URL(url).hostname === "127.0.0.1", url);
    const { port } = new URL(url);
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const request =
      "GET /state.json HTTP/1.1\r\nHost: elsewhere.example\r\nConnection: close\r\n\r\n";
    await socket.write(new TextEncoder().encode(request));
    const answer = await new Response(socket.readable).text();
    assertTrue(answer.startsWith("HTTP/1.1 403"), answer);
    const again = () => serveRuns({ port: Number(port), signal: AbortSignal.abort() });
    assertThrows(again, Error, `Cannot serve at port ${port}: another program uses it`);
  }));

Deno.test("the page's lines have the colours of figures, and others on a dark ground", () => {
  const css = asset("runs.css");
  const colours = [...css.matchAll(/--c\d: light-dark\((#\w+), (#\w+)\);/g)];
  const [light, dark] = [1, 2].map((place) => colours.map((found) => found[place]!));
  assertEquals(light, categorical.map((colour) => colour.toLowerCase()));
  assertEquals(new Set(dark).size, 7);
});
