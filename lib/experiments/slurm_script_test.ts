import { readSlurmArguments, slurmHelp, slurmScript } from "./slurm_script.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const places = { deno: "/opt/deno", root: "/home/ada/bc ssl", logs: "/data/out/slurm" };

function scriptOf(args: string): string {
  return slurmScript(readSlurmArguments(args.split(" "))!, places);
}

Deno.test("slurmScript() asks for nodes, GPUs and time, and starts a process for each GPU", () => {
  const lines = scriptOf(
    "--config bcssl_t_k9_300ep --scale paper --nodes 4 --gpus 4 --cpus 8 --sbatch=--time=24:00:00",
  ).split("\n");
  assertEquals(lines[0], "#!/bin/bash");
  assertEquals(lines.filter((line) => line.startsWith("#SBATCH")).map((line) => line.slice(8)), [
    "--job-name=bcssl_t_k9_300ep",
    "--nodes=4",
    "--ntasks-per-node=4",
    "--gpus-per-task=1",
    "--cpus-per-task=8",
    "--requeue",
    "--open-mode=append",
    "--signal=USR2@120",
    "--output=/data/out/slurm/%x-%j.log",
    "--time=24:00:00",
  ]);
  assertTrue(lines.includes("cd '/home/ada/bc ssl' || exit 1"), "a path with a space");
  assertTrue(lines.includes("  0) run=(--config bcssl_t_k9_300ep --scale paper) ;;"), "the run");
});

Deno.test("slurmScript() has a run for each combination of an array's axes", () => {
  const script = scriptOf("--config start --set name=it's --array seeds=0..1 kernelSize=3,9");
  assertTrue(script.includes("#SBATCH --array=0-3\n"), script);
  const runs = [...script.matchAll(/ {2}(\d)\) run=\((.*)\) ;;/g)].map(([, i, run]) => [i, run]);
  const common = "--config start --set 'name=it'\\''s'";
  assertEquals(runs, [
    ["0", `${common} --seed 0 --set recipe.model.kernelSize=3`],
    ["1", `${common} --seed 0 --set recipe.model.kernelSize=9`],
    ["2", `${common} --seed 1 --set recipe.model.kernelSize=3`],
    ["3", `${common} --seed 1 --set recipe.model.kernelSize=9`],
  ]);
});

Deno.test("readSlurmArguments() refuses what deno task train would, before anything is submitted", () => {
  for (
    const [args, message] of [
      ["--config nope", 'Cannot train "nope"'],
      ["--config start --array recipe.lr=high", "recipe.lr"],
      ["--config start --array seeds", "Cannot read the axis seeds"],
      ["--config start --array seeds=4..0", "Cannot count from 4 to 0"],
      ["--config start seeds=0..4", "Cannot read seeds=0..4: the axes of an array follow --array"],
      ["--config start --nodes 0", "Cannot take --nodes 0: need a whole number from 1"],
      ["--config start --node 2", "see deno task slurm --help"],
    ] as const
  ) {
    assertThrows(() => readSlurmArguments(args.split(" ")), RangeError, message);
  }
});

Deno.test("deno task slurm's help has examples that are read", () => {
  assertEquals(readSlurmArguments(["--help"]), undefined);
  const examples = slurmHelp.split("\n").filter((line) => /^ {2}deno task slurm/.test(line));
  assertEquals(examples.length, 3);
  for (const example of examples) {
    readSlurmArguments(example.trim().split(" ").slice(3));
  }
});
