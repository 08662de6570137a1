/** The arguments of `deno task runs`. */
import { readArguments } from "lib/task_arguments.ts";
import { scaleNames } from "lib/experiments/configs/config.ts";
import { type RunFilter, type SortKey, sortNames } from "./choose_runs.ts";
import { runStates } from "./run_summary.ts";

/** Lists runs. */
export interface ListRequest {
  readonly command: "list";
  readonly filter: RunFilter;
  readonly sort: SortKey;
  /** Only the best runs by a metric, best first. */
  readonly best?: { readonly count: number; readonly metric: string };
  readonly json: boolean;
}

/** What a person asks of the task. Runs are ids, beginnings of ids, or patterns with `*`. */
export type RunsRequest =
  | ListRequest
  | { readonly command: "show"; readonly run: string }
  | { readonly command: "diff"; readonly runs: readonly [string, string] }
  | { readonly command: "delete"; readonly runs: readonly string[]; readonly yes: boolean }
  | { readonly command: "web"; readonly port: number };

/** The text of `--help`. */
export const runsHelp = `deno task runs [options]
deno task runs show RUN
deno task runs diff RUN RUN
deno task runs delete [--yes] RUN…
deno task runs --web [--port N]

Lists the runs in outputs/ (BCSSL_OUTPUTS), and those that come with the project, the newest first.

  --config NAME    only runs of this config; * stands for any letters: 'bcssl_*'. May be given
                   several times
  --state STATE    only runs that are ${orList(runStates)}
  --scale SCALE    only runs at ${orList(scaleNames)} scale
  --seed N         only runs of this seed. May be given several times
  --sort COLUMN    by default age; ${sortNames.slice(1).join(", ")}
  --best N         only the N best by --metric, the best first
  --metric NAME    knn20Top1 by default; loss, rankMe, boxAp, …: of a metric that every step has,
                   the newest value counts, of others the best
  --json           the list as JSON

  show RUN         all that is known of a run, and its config
  diff RUN RUN     where the configs of two runs differ, by dotted path
  delete RUN…      deletes folders of outputs/ with all that is in them, and asks before; --yes does
                   not ask. A run that is being trained stays, and so does one that comes with the
                   project
  --web            serves a page with all of this, and with curves that grow while runs train, to
                   this machine alone, until Ctrl-C; --port N by default any that is free

  RUN              id of a run, or its beginning if no other id begins so; * stands for any letters,
                   where several runs may be named`;

const listOptions = ["config", "state", "scale", "seed", "sort", "best", "metric", "json"];
/** The options that each command knows. */
const optionsOf: Readonly<Record<RunsRequest["command"], readonly string[]>> = {
  list: listOptions,
  show: [],
  diff: [],
  delete: ["yes"],
  web: ["web", "port"],
};

/**
 * Reads the arguments.
 *
 * @returns `undefined` if help is asked for.
 * @throws {RangeError} If an argument is unknown, lacks its value, or goes with another command.
 */
export function readRunsArguments(args: string[]): RunsRequest | undefined {
  const { values, positionals: [word, ...runs] } = parsed(args);
  if (values.help) return undefined;
  const command = values.web ? "web" : word ?? "list";
  if (!isCommand(command)) throw wrong(`there is no command ${command}`);
  const stranger = Object.keys(values).find((name) => !optionsOf[command].includes(name));
  if (stranger !== undefined) throw wrong(`--${stranger} does not go with ${command}`);
  const counts = { list: [0, 0], show: [1, 1], diff: [2, 2], delete: [1, Infinity], web: [0, 0] };
  const [least, most] = counts[command] as [number, number];
  const named = values.web && word !== undefined && word !== "web" ? [word, ...runs] : runs;
  if (named.length < least || named.length > most) {
    throw wrong(`${command} takes ${runsInWords(least, most)}, not ${named.length}`);
  }
  if (command === "web") return { command, port: count("port", values.port ?? "0", 0, 65535) };
  if (command === "show") return { command, run: runs[0]! };
  if (command === "diff") return { command, runs: [runs[0]!, runs[1]!] };
  return command === "delete" ? { command, runs, yes: values.yes ?? false } : listRequest(values);
}

type Values = ReturnType<typeof parsed>["values"];

function parsed(args: string[]) {
  return readArguments(args, {
    config: { type: "string", multiple: true },
    state: { type: "string" },
    scale: { type: "string" },
    seed: { type: "string", multiple: true },
    sort: { type: "string" },
    best: { type: "string" },
    metric: { type: "string" },
    json: { type: "boolean" },
    yes: { type: "boolean" },
    web: { type: "boolean" },
    port: { type: "string" },
    help: { type: "boolean" },
  }, { positionals: true, task: "deno task runs" });
}

function listRequest(values: Values): ListRequest {
  const { config: configs, state, scale, seed, sort, best, metric, json } = values;
  if (metric !== undefined && best === undefined) throw wrong("--metric goes with --best N only");
  if (sort !== undefined && best !== undefined) throw wrong("--sort does not go with --best");
  return {
    command: "list",
    filter: {
      ...(configs && { configs }),
      ...(state !== undefined && { state: oneOf("state", state, runStates) }),
      ...(scale !== undefined && { scale: oneOf("scale", scale, scaleNames) }),
      ...(seed && { seeds: seed.map((text) => count("seed", text, 0)) }),
    },
    sort: oneOf("sort", sort ?? "age", sortNames),
    ...(best !== undefined && {
      best: { count: count("best", best, 1), metric: metric ?? "knn20Top1" },
    }),
    json: json ?? false,
  };
}

/** `a, b or c`. */
function orList(names: readonly string[]): string {
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function isCommand(word: string): word is RunsRequest["command"] {
  return Object.hasOwn(optionsOf, word);
}

function runsInWords(least: number, most: number): string {
  if (most === 0) return "no runs";
  return most === Infinity ? "one run or more" : least === 1 ? "one run" : `${least} runs`;
}

function oneOf<T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  throw wrong(`--${option} is ${value}, but must be one of ${allowed.join(", ")}`);
}

function count(option: string, text: string, least: number, most = Infinity): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  const upTo = most === Infinity ? "" : ` and at most ${most}`;
  throw wrong(`--${option} is ${text}, but must be a whole number of at least ${least}${upTo}`);
}

function wrong(reason: string): RangeError {
  return new RangeError(`Cannot read the arguments: ${reason}; see deno task runs --help`);
}
