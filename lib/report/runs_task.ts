/**
 * `deno task runs` runs this file once everything is set up: it lists, compares and deletes runs,
 * and serves the page that draws them. It loads no engine, so that a list is there at once.
 *
 * Exit codes: 0; 1 if a run was refused, nothing was deleted, or on an error.
 */
import { megabytes } from "lib/runs/megabytes.ts";
import { bestRuns, filterRuns, findRuns, sortRuns } from "lib/experiments/browse/choose_runs.ts";
import { configRows } from "lib/experiments/browse/config_diff.ts";
import { deleteRuns, deletionInWords, planDeletion } from "lib/experiments/browse/delete_runs.ts";
import { configOf, runDetails } from "lib/experiments/browse/run_details.ts";
import { rankedValue, RunHistories } from "lib/experiments/browse/run_histories.ts";
import { runSummaries, type RunSummary } from "lib/experiments/browse/run_summary.ts";
import { diffTable, runTable } from "lib/experiments/browse/run_table.ts";
import {
  type ListRequest,
  readRunsArguments,
  runsHelp,
  type RunsRequest,
} from "lib/experiments/browse/runs_arguments.ts";

async function main(args: string[]): Promise<number> {
  const request = readRunsArguments(args);
  if (request === undefined) console.log(runsHelp);
  else return await answer(request);
  return 0;
}

async function answer(request: RunsRequest): Promise<number> {
  const runs = runSummaries(console.error);
  switch (request.command) {
    case "list":
      console.log(listing(runs, request));
      return 0;
    case "show":
      console.log(runDetails(oneRun(runs, request.run)));
      return 0;
    case "diff": {
      const [a, b] = request.runs.map((name) => oneRun(runs, name)) as [RunSummary, RunSummary];
      console.log(diffTable([a.id, b.id], configRows([configOf(a), configOf(b)])));
      return 0;
    }
    case "delete":
      return deletion(findRuns(runs, request.runs), request.yes);
    case "web":
      return await web(request.port);
  }
}

function listing(all: readonly RunSummary[], { filter, sort, best, json }: ListRequest): string {
  const runs = filterRuns(all, filter);
  const histories = new RunHistories();
  const shown = best === undefined ? sortRuns(runs, sort) : bestRuns(runs, {
    ...best,
    valueOf: (run) =>
      run.best?.metric === best.metric
        ? run.best.value
        : rankedValue(histories.of(run), best.metric),
  });
  return json ? JSON.stringify(shown, null, 2) : runTable(shown, { width: terminalWidth() });
}

/** Characters in a line of the terminal; `Infinity` if the output goes to a file or a program. */
function terminalWidth(): number {
  return Deno.stdout.isTerminal() ? Deno.consoleSize().columns : Infinity;
}

/** @throws {RangeError} If a pattern fits several runs. */
function oneRun(runs: readonly RunSummary[], name: string): RunSummary {
  const found = findRuns(runs, [name]);
  if (found.length === 1) return found[0]!;
  throw new RangeError(`Cannot show "${name}": ${found.length} runs fit, but one is needed`);
}

function deletion(runs: readonly RunSummary[], yes: boolean): number {
  const plan = planDeletion(runs);
  for (const line of plan.refused) console.error(line);
  for (const { id, bytes } of plan.runs) console.log(`${id}  ${megabytes(bytes)} MB`);
  if (plan.runs.length === 0) return 1;
  if (!yes && !confirm(`Delete ${deletionInWords(plan)}, for good?`)) {
    console.log("Nothing is deleted; --yes deletes without asking");
    return 1;
  }
  deleteRuns(plan);
  console.log(`Deleted ${deletionInWords(plan)}`);
  return plan.refused.length === 0 ? 0 : 1;
}

async function web(port: number): Promise<number> {
  const { serveRuns } = await import("./browser/server.ts");
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  const { url, finished } = serveRuns({ port, signal: stop.signal });
  console.log(`The runs are shown at ${url} until Ctrl-C`);
  await finished;
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args)); // signal listeners would keep the process
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(message.startsWith("Cannot ") ? message : stack);
    Deno.exit(1);
  }
}
