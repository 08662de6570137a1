/**
 * What the processes of the check say, a line of JSON each. Numbers go into files, since there are
 * many. Imports no engine.
 */
import type { Environment } from "lib/experiments/runs/environment.ts";
import type * as tf from "lib/tf.ts";
import type { CheckCase } from "./check_case.ts";

/** The first message of a process that computes: its engine, and what it is going to compute. */
export interface EngineMessage {
  readonly engine: tf.Engine;
  /** The engine and its kernels in words, as a notebook shows them. */
  readonly words: string;
  /** What WebGPU says of its device, by name. */
  readonly adapter?: Readonly<Record<string, string>>;
  readonly environment: Environment;
  readonly cases: readonly CaseFacts[];
}

/** What is known of a case before it is computed. */
export type CaseFacts = Pick<CheckCase, "part" | "name" | "tolerance">;

/** A case that was computed. */
export interface ComputedMessage {
  readonly computed: number;
  /** Each tensor by its name: its shape, and where in the file its numbers begin. */
  readonly tensors: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly from: number }>
  >;
  readonly seconds: number;
}

/** A case that could not be computed. */
export interface FailedMessage {
  readonly failed: number;
  readonly error: string;
}

/** Tensors and bytes in use after some steps of training. */
export interface MemoryMessage {
  readonly memory: { readonly step: number; readonly tensors: number; readonly bytes: number };
}

/** The time of one call. */
export interface SpeedMessage {
  readonly speed: { readonly name: string; readonly seconds: number; readonly calls: number };
}

export type Message =
  | EngineMessage
  | ComputedMessage
  | FailedMessage
  | MemoryMessage
  | SpeedMessage;

/** The file of a case's numbers, in the folder of a process. */
export function fileOf(folder: string, index: number): string {
  return `${folder}/${index}.f32`;
}
