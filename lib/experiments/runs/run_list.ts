/**
 * Lists all runs in `outputs/` and those that come with the project. It loads neither the engine nor
 * polars, so that a task may list runs at once.
 */
import { basename, join } from "@std/path";
import { ifThere } from "lib/runs/if_there.ts";
import type { PretrainConfig } from "lib/experiments/configs/config.ts";
import { outputsFolder, readJson } from "./run_folder.ts";
import { readStatus, type RunStatus } from "./run_status.ts";
import { allShipped } from "./shipped.ts";

/** The contents of config.json, as far as lists of runs look at them. */
export interface SavedConfig extends Pick<PretrainConfig, "name"> {
  readonly data: { readonly kind: string };
  /** The network; in a detector, its backbone. */
  readonly recipe: Pick<PretrainConfig["recipe"], "model">;
  readonly scale: string;
  readonly seed: number;
}

/** A run of the list. */
export interface ListedRun {
  readonly id: string;
  readonly config: SavedConfig;
  /** Absent before the first checkpoint. */
  readonly status?: RunStatus;
  /** `here`: in `outputs/`; `shipped`: comes with the project, and is not trained here. */
  readonly origin: "here" | "shipped";
  /** When it was last trained, ISO 8601. */
  readonly date: string;
}

/**
 * Lists the runs, the most recently trained first.
 *
 * @param warn Gets a line for each shipped run that is damaged; it is left out.
 */
export function listRuns(warn?: (message: string) => void): ListedRun[] {
  const shipped = allShipped(warn).map(({ id, config, status }): ListedRun => ({
    id,
    config: config as SavedConfig,
    status,
    origin: "shipped",
    date: status.updated,
  }));
  const ids = new Set(shipped.map(({ id }) => id));
  const here = folders().filter((path) => !ids.has(basename(path)))
    .flatMap((path) => runIn(path) ?? []);
  return [...here, ...shipped].sort((a, b) => a.date < b.date ? 1 : -1);
}

/** The folders in `outputs/`. */
function folders(): string[] {
  const entries = ifThere(() => [...Deno.readDirSync(outputsFolder())]) ?? [];
  return entries.filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => join(outputsFolder(), name));
}

/** The run in a folder; `undefined` if it has no config of a run. */
function runIn(path: string): ListedRun | undefined {
  const config = readJson<SavedConfig>(join(path, "config.json"));
  if (config?.recipe === undefined) return undefined;
  const status = readStatus({ path });
  const date = status?.updated ?? Deno.statSync(path).mtime?.toISOString() ?? "";
  return { id: basename(path), config, ...(status && { status }), origin: "here", date };
}
