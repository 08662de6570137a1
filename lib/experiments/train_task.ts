/**
 * `deno task train` runs this file once everything is set up. It calls the same `pretrain`,
 * `supervised` and `finetuneDetector` as a notebook does.
 *
 * Exit codes: 0 when the run has reached its last step or the step of `--until`; 130, 143 or 140 when
 * SIGINT, SIGTERM or SIGUSR2 stopped the run, which is saved then; 1 on an error.
 */
import type { TrainHooks } from "lib/runs/events.ts";
import type { TrainOptions, TrainResult } from "lib/experiments/runs/train_run.ts";
import type { World } from "lib/distributed/world.ts";
import type { LinearProbeVerbOptions } from "lib/experiments/measure/linear_probe.ts";
import { runId } from "lib/experiments/configs/config.ts";
import { detectorId } from "lib/experiments/detect/detector_config.ts";
import { scoreOf, terminalProgress } from "lib/experiments/runs/terminal_progress.ts";
import { twinId } from "lib/experiments/subjects/supervised_twin.ts";
import { savedForRequeue } from "./slurm_script.ts";
import { withWorkers } from "./workers.ts";
import {
  type DetectorArguments,
  isDetector,
  readTrainArguments,
  type TrainArguments,
  trainHelp,
} from "./train_arguments.ts";

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGUSR2: savedForRequeue } as const;
// Milliseconds. A second signal within this time is the first one again: the terminal sends it to
// this process, and so does the task that started it.
const oneKeyPress = 1000;

/**
 * Listens for SIGINT, SIGTERM, and SIGUSR2 of Slurm: the first one asks the run to stop, a later one ends the process.
 */
function listen(): { readonly signal: AbortSignal; exitCode(): number } {
  const stop = new AbortController();
  let [code, heardAt] = [0, 0];
  for (const [name, number] of Object.entries(exitCodes)) {
    Deno.addSignalListener(name as keyof typeof exitCodes, () => {
      if (code !== 0 && performance.now() - heardAt > oneKeyPress) Deno.exit(number);
      if (code === 0) [code, heardAt] = [number, performance.now()];
      stop.abort();
    });
  }
  return { signal: stop.signal, exitCode: () => code };
}

/** `start-1a2b3c4d: finished, 6240 steps, k-NN 73.0 %` */
function summary({ run, step, totalSteps, finished, history }: TrainResult): string {
  const last = history.findLast(({ metrics }) => scoreOf(metrics) !== "");
  const score = last === undefined ? "" : `, ${scoreOf(last.metrics)}`;
  if (finished) return `${run}: finished, ${totalSteps} steps${score}`;
  return `${run}: saved at step ${step} of ${totalSteps}${score}; the same command goes on`;
}

function idOf(request: TrainArguments | DetectorArguments): string {
  if (isDetector(request)) return detectorId(request);
  return request.supervised ? twinId(request) : runId(request);
}

/**
 * Trains the run. The verb is imported here and not at the top, so that `--help` does not wait for
 * the engine.
 */
async function call(
  request: TrainArguments | DetectorArguments,
  hooks: TrainHooks & Pick<TrainOptions, "world">,
): Promise<TrainResult> {
  if (isDetector(request)) {
    const { config, workers: _, engine: __, ...options } = request;
    const { finetuneDetector } = await import("lib/experiments/detect/finetune_detector.ts");
    return await finetuneDetector(config, { ...options, ...hooks });
  }
  const { config, supervised: isTwin, workers: _, engine: __, probe: ___, ...options } = request;
  const verb = isTwin
    ? (await import("lib/experiments/pretrain/supervised.ts")).supervised
    : (await import("lib/experiments/pretrain/pretrain.ts")).pretrain;
  return await verb(config, { ...options, ...hooks });
}

/**
 * Trains linear classifiers on the run's features, if that is asked for.
 *
 * @returns Their accuracy: `linear probe 71.5 % at rate 0.1`.
 */
async function probe(
  request: TrainArguments | DetectorArguments,
  hooks: Pick<LinearProbeVerbOptions, "signal" | "world">,
): Promise<string | undefined> {
  if (isDetector(request) || !request.probe) return undefined;
  const { linearProbe } = await import("lib/experiments/measure/linear_probe.ts");
  const { config, scale, seed, fresh } = request;
  const { courses } = await linearProbe(config, { scale, seed, fresh, ...hooks });
  const { lr, last } = courses.reduce((a, b) => b.last.top1 > a.last.top1 ? b : a);
  return `linear probe ${
    (100 * last.top1).toFixed(1)
  } % at rate ${lr}, the best of ${courses.length}`;
}

/** The exit code of the process that a signal reached first: the others may not have heard it yet. */
async function codeOfAll(code: number, world?: World): Promise<number> {
  if (world === undefined) return code;
  const { largestOf } = await import("lib/distributed/agree.ts");
  return largestOf(world, code);
}

async function train(args: string[]): Promise<number> {
  const request = readTrainArguments(args);
  if (request === undefined) {
    console.log(trainHelp);
    return 0;
  }
  // The engine is chosen when its module loads, which the verbs import.
  if (request.engine !== undefined) Deno.env.set("BCSSL_ENGINE", request.engine);
  const { signal, exitCode } = listen();
  return await withWorkers(request.workers, async (world) => {
    if (world !== undefined && world.rank > 0) {
      const { finished } = await call(request, { signal, world, onWarning: () => {} }); // process 0 says all
      if (finished) await probe(request, { signal, world });
      await codeOfAll(exitCode(), world);
      return 0;
    }
    using progress = terminalProgress(idOf(request));
    const result = await call(request, { ...progress, signal, world });
    progress.end();
    console.log(summary(result));
    const accuracy = result.finished ? await probe(request, { signal, world }) : undefined;
    if (accuracy !== undefined) console.log(`${result.run}: ${accuracy}`);
    const code = await codeOfAll(exitCode(), world);
    return result.finished ? 0 : code;
  });
}

if (import.meta.main) {
  try {
    Deno.exit(await train(Deno.args)); // the signal listeners would keep the process
  } catch (error) {
    const { message, stack } = error as Error;
    console.error(/^(Cannot|Unknown) /.test(message) ? message : stack);
    Deno.exit(1);
  }
}
