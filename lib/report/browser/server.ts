/** Serves the page that shows runs, to this machine alone. It only reads. */
import { join } from "@std/path";
import { outputsFolder } from "lib/paths.ts";
import { type SortKey, sortNames, sortRuns } from "lib/experiments/browse/choose_runs.ts";
import { configRows } from "lib/experiments/browse/config_diff.ts";
import { configOf } from "lib/experiments/browse/run_details.ts";
import { RunHistories } from "lib/experiments/browse/run_histories.ts";
import { runSummaries, type RunSummary } from "lib/experiments/browse/run_summary.ts";
import { runColumns } from "lib/experiments/browse/run_table.ts";
import { curvesOf, measuredMetrics } from "./curve_data.ts";
import { figureFile, listFigures } from "./figure_files.ts";
import { pageHtml } from "./page.ts";

/** A server that runs until its signal is aborted. */
export interface RunServer {
  /** Address of the page. */
  readonly url: string;
  readonly finished: Promise<void>;
}

/**
 * Serves the page at an address of this machine that others cannot reach.
 *
 * @param options.port 0 for any that is free.
 * @param options.warn Gets a line for each shipped run that is damaged, once.
 * @throws {Error} If another program uses the port.
 */
export function serveRuns(
  { port, signal, warn = console.error }: {
    readonly port: number;
    readonly signal: AbortSignal;
    readonly warn?: (message: string) => void;
  },
): RunServer {
  const state = new PageState(warn);
  try {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port, signal, onListen: () => {} },
      (request) => respond(request, state),
    );
    return { url: `http://127.0.0.1:${server.addr.port}/`, finished: server.finished };
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    throw new Error(`Cannot serve at port ${port}: another program uses it; give another --port`);
  }
}

/** What the page may load: itself, this server's answers and figures, nothing from elsewhere. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; " +
  "frame-ancestors 'none'";
/** What a figure that is opened by itself may do: be drawn. */
const figurePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox";

function respond(request: Request, state: PageState): Response {
  const { hostname, pathname, searchParams } = new URL(request.url);
  // A page from elsewhere may give its own name this machine's address: it must not read runs.
  if (!["127.0.0.1", "localhost"].includes(hostname)) return refusal(403, "Only from this machine");
  if (request.method !== "GET" && request.method !== "HEAD") return refusal(405, "Only reading");
  if (pathname === "/") {
    return answer(pageHtml(), "text/html; charset=utf-8", policy);
  }
  if (pathname === "/state.json") return json(state.now(searchParams));
  if (pathname === "/configs.json") return json(state.configs(searchParams));
  const figure = /^\/figures\/([^/]+)$/.exec(pathname)?.[1];
  const file = figure === undefined ? undefined : figureFile(decodeURIComponent(figure));
  if (file) return answer(file.bytes, file.type, figurePolicy);
  return refusal(404, "There is nothing here");
}

function json(value: unknown): Response {
  return answer(JSON.stringify(value), "application/json", policy);
}

function refusal(status: number, text: string): Response {
  return new Response(`${text}\n`, { status });
}

function answer(body: BodyInit, type: string, contentPolicy: string): Response {
  return new Response(body, {
    headers: {
      "content-type": type,
      "content-security-policy": contentPolicy,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    },
  });
}

const mostPoints = 300; // of a curve

/** Answers the page's questions, which come every two seconds. */
class PageState {
  readonly #histories = new RunHistories();
  readonly #warn: (message: string) => void;
  readonly #warned = new Set<string>();

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** The list, and the curves of the runs that are chosen. Runs that are gone are left out. */
  now(query: URLSearchParams) {
    const sort = sortNames.find((name) => name === query.get("sort")) ?? "age" satisfies SortKey;
    const runs = sortRuns(this.#summaries(), sort);
    const time = new Date();
    const drawn = chosen(runs, query).map((run) => ({
      id: run.id,
      history: this.#histories.of(run),
    }));
    const metrics = measuredMetrics(drawn);
    const metric = metrics.find(({ name }) => name === query.get("metric")) ?? metrics[0];
    return {
      folder: outputsFolder(),
      columns: runColumns.map(({ title, right = false, sort }) => ({ title, right, sort })),
      runs: runs.map((run) => ({
        id: run.id,
        state: run.state,
        progress: run.totalSteps ? run.step / run.totalSteps : 0,
        cells: runColumns.map(({ text }) => text(run, time)),
      })),
      metrics,
      metric,
      curves: metric ? curvesOf(drawn, metric.name, mostPoints) : [],
      figures: listFigures(join(outputsFolder(), "figures")),
    };
  }

  /** Configs side by side. */
  configs(query: URLSearchParams) {
    const runs = chosen(this.#summaries(), query);
    return { runs: runs.map(({ id }) => id), rows: configRows(runs.map(configOf)) };
  }

  #summaries(): RunSummary[] {
    return runSummaries((line) => {
      if (!this.#warned.has(line)) this.#warn(line);
      this.#warned.add(line);
    });
  }
}

/** The runs that a query names, in its order. */
function chosen(runs: readonly RunSummary[], query: URLSearchParams): RunSummary[] {
  return query.getAll("run").flatMap((id) => runs.find((run) => run.id === id) ?? []);
}
