/**
 * `deno task ship` runs this file once everything is set up: it writes finished runs to the folder
 * that comes with the project.
 *
 * Exit codes: 0 if all runs that were asked for are shipped, 1 if one was refused or on an error.
 */
import { absolutePath, outputsFolder, shippedFolder } from "lib/paths.ts";
import { megabytes } from "lib/runs/megabytes.ts";
import { readArguments } from "lib/task_arguments.ts";
import { dropWeights } from "./ship/drop_weights.ts";
import {
  planShipping,
  type ShipOptions,
  shippedLimit,
  type ShippingPlan,
  writeShipping,
} from "./ship/ship_runs.ts";

const shipHelp = `deno task ship [options] [run…]

Writes finished runs from outputs/ to data/shipped/, which comes with the project: config, metrics,
evaluations, where they were trained, and of some the weights in half precision. Runs that are there
already and are not named stay. Files hold no paths and no names of machines or people.

A run that came with the project and was not trained here keeps its weights and its history; what was
measured of these weights since, as outputs/ has it, is added.

  run              id of a run; * stands for any letters: 'bcssl_*'. By default, all runs
  --outputs FOLDER where the runs are; by default outputs/ (BCSSL_OUTPUTS)
  --to FOLDER      where to write; by default data/shipped/ (BCSSL_SHIPPED)
  --weights WHICH  first: of runs that differ in their seed alone, the one with the lowest seed;
                   all; none; or ids as above. May be given several times. By default first
  --snapshots RUN  ids as above: runs whose snapshots are shipped too, the network at moments of its
                   training. May be given several times. By default none
  --drop-weights RUN
                   ids as above: takes the weights of shipped runs away, and does nothing else. What
                   was measured of them stays. May be given several times

At most ${shippedLimit / 1e6} MB in all; more is refused, and nothing is written.
A run that was trained once more, to the very weights that are there, keeps what is there; what is new
is added. To take a run back, delete its .run and .safetensors there.`;

/** What the task does: it ships, or it drops weights. */
export interface ShipArguments extends ShipOptions {
  /** Ids of shipped runs whose weights are taken away. */
  readonly dropped?: readonly string[];
}

/**
 * Reads the arguments.
 *
 * @returns `undefined` if help is asked for.
 * @throws {RangeError} If an argument is unknown or lacks its value.
 */
export function readShipArguments(args: string[]): ShipArguments | undefined {
  const { values, positionals } = readArguments(args, {
    outputs: { type: "string" },
    to: { type: "string" },
    weights: { type: "string", multiple: true },
    snapshots: { type: "string", multiple: true },
    "drop-weights": { type: "string", multiple: true },
    help: { type: "boolean" },
  }, { positionals: true, task: "deno task ship" });
  if (values.help) return undefined;
  const from = Deno.env.get("INIT_CWD"); // the folder in which the person calls the task
  const folder = (path: string | undefined) => path === undefined ? path : absolutePath(path, from);
  return {
    outputs: folder(values.outputs) ?? outputsFolder(),
    to: folder(values.to) ?? shippedFolder() ?? noFolder(),
    weights: whichWeights(values.weights ?? ["first"]),
    ...(values.snapshots && { snapshots: values.snapshots }),
    ...(values["drop-weights"] && { dropped: values["drop-weights"] }),
    ...(positionals.length > 0 && { patterns: positionals }),
  };
}

function noFolder(): never {
  throw new RangeError("Cannot ship: BCSSL_SHIPPED is none; unset it, or give --to FOLDER");
}

function whichWeights(given: readonly string[]): NonNullable<ShipOptions["weights"]> {
  const word = given.find((word) => ["first", "none", "all"].includes(word));
  if (word !== undefined && given.length > 1) {
    throw new RangeError(`Cannot read the arguments: --weights ${word} goes with no other`);
  }
  if (word === "first") return word;
  return word === "none" ? [] : word === "all" ? ["*"] : given;
}

/** A line for each run, and one for all. */
export function shippingTable({ to, runs, totalBytes }: ShippingPlan): string {
  const width = Math.max(3, ...runs.map(({ id }) => id.length));
  const line = (id: string, steps: string, numbers: string, weights: string, scores: string) =>
    [
      id.padEnd(width),
      steps.padStart(8),
      numbers.padStart(10),
      weights.padStart(10),
      scores,
    ].join("  ").trimEnd();
  const kilobytes = (bytes = 0) => bytes === 0 ? "–" : `${(bytes / 1000).toFixed(1)} kB`;
  const rows = runs.map(({ id, steps, package: { length }, weights, snapshots, evaluations }) =>
    line(
      id,
      steps.toLocaleString("en"),
      kilobytes(length),
      kilobytes(
        [weights, ...snapshots?.values() ?? []].reduce((sum, it) => sum + (it?.length ?? 0), 0),
      ),
      evaluations.join(" "),
    )
  );
  const all = `${runs.length} run${runs.length === 1 ? "" : "s"}; ${to} holds ${
    megabytes(totalBytes)
  } of at most ${megabytes(shippedLimit)} MB`;
  return [line("run", "steps", "numbers", "weights", "evaluations"), ...rows, all].join("\n");
}

function ship(args: string[]): number {
  const options = readShipArguments(args);
  if (options === undefined) {
    console.log(shipHelp);
    return 0;
  }
  if (options.dropped !== undefined) {
    const ids = dropWeights(options.to, options.dropped);
    console.log(`${options.to} has no weights any more of: ${ids.join(", ") || "no run"}`);
    return 0;
  }
  const plan = planShipping(options);
  console.log(shippingTable(plan));
  for (const line of [...plan.notes, ...plan.refused]) console.error(line);
  writeShipping(plan);
  return plan.refused.length === 0 ? 0 : 1;
}

if (import.meta.main) {
  try {
    Deno.exitCode = ship(Deno.args);
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(message.startsWith("Cannot ") ? message : stack);
    Deno.exitCode = 1;
  }
}
