/** What a check found, as lines for a terminal and as JSON. Imports no engine. */
import type { CaseResult } from "./compare.ts";
import type { EngineMessage, MemoryMessage } from "./messages.ts";
import type { GpuEngine } from "./processes.ts";

/** The time of a call on both sides. */
export interface SpeedBeside {
  readonly name: string;
  readonly seconds: number;
  /** PyTorch's on the same GPU; absent where it was not asked, or could not. */
  readonly pytorch?: number;
}

/** All that the check of one engine found. */
export interface Findings {
  readonly engine: GpuEngine;
  readonly sizes: "small" | "full";
  /** The device in words: its name, and its driver's version where one is known. */
  readonly device: string;
  /** What the GPU's process says of itself; absent if it did not start. */
  readonly about?: EngineMessage;
  readonly system: string;
  readonly cases: readonly CaseResult[];
  readonly memory: readonly MemoryMessage["memory"][];
  readonly speeds: readonly SpeedBeside[];
  /** What went wrong beside single cases, and what was not measured, a line each. */
  readonly failures: readonly string[];
  readonly notes: readonly string[];
  readonly seconds: number;
}

/** A case as a line: `ok      layers      gelu   3e-7 of 1e-4`. */
export function caseLine(
  { part, name, passed, tolerance, difference, where, error }: CaseResult,
): string {
  const start = `${passed ? "ok    " : "FAILED"}  ${part.padEnd(10)}  ${name.padEnd(52)}`;
  if (error !== undefined) return `${start}  ${error}`;
  const gap = `${shortNumber(difference!)} of ${shortNumber(tolerance)}`;
  return `${start}  ${gap}${passed ? "" : ` in "${where}"`}`;
}

function shortNumber(x: number): string {
  return x === 0 ? "0" : x.toExponential(0);
}

/** The times as lines, beside PyTorch's where there are any. */
export function speedLines(speeds: readonly SpeedBeside[]): string[] {
  return speeds.map(({ name, seconds, pytorch }) => {
    const beside = pytorch === undefined
      ? ""
      : `  PyTorch ${milliseconds(pytorch)}, ${(pytorch / seconds).toFixed(2)} times`;
    return `${name.padEnd(66)}${milliseconds(seconds)}${beside}`;
  });
}

function milliseconds(seconds: number): string {
  return `${(1000 * seconds).toFixed(3).padStart(10)} ms`;
}

/**
 * What must hold of memory: after every twentieth step there are as many tensors and bytes.
 *
 * @returns Why it does not; `undefined` if it does, or nothing was measured.
 */
export function memoryFailure(memory: Findings["memory"]): string | undefined {
  const [first, ...rest] = memory;
  const grown = rest.find(({ tensors, bytes }) =>
    tensors !== first!.tensors || bytes !== first!.bytes
  );
  if (grown === undefined) return undefined;
  return `memory grows: ${inWords(first!)}, ${inWords(grown)}`;
}

function inWords({ step, tensors, bytes }: Findings["memory"][number]): string {
  return `${tensors} tensors and ${(bytes / 1e6).toFixed(3)} MB after ${step} steps`;
}

/** Memory as a line. */
export function memoryLine(memory: Findings["memory"]): string {
  const last = memory.at(-1);
  return last === undefined ? "memory was not measured" : `memory: ${inWords(last)}`;
}

/** Whether everything that was to be computed was, and is right. */
export function hasPassed({ cases, failures }: Findings): boolean {
  return failures.length === 0 && cases.length > 0 && cases.every(({ passed }) => passed);
}

/** The last line. */
export function verdict(findings: Findings): string {
  const { engine, cases, failures, seconds } = findings;
  const bad = cases.filter(({ passed }) => !passed).length;
  const about = `${engine}: ${cases.length - bad} of ${cases.length} cases agree with the CPU`;
  const others = failures.length > 0 ? `, ${failures.length} other failures` : "";
  return `gpu:check ${hasPassed(findings) ? "passed" : "FAILED"} on ${about}${others}, in ${
    seconds.toFixed(0)
  } s`;
}

/** The findings for a file, with the verdict. */
export function findingsJson(findings: Findings): string {
  const whole = { passed: hasPassed(findings), verdict: verdict(findings), ...findings };
  return JSON.stringify(whole, (_, x) => x === Infinity ? "infinite" : x, 1) + "\n";
}
