import { runId } from "lib/experiments/configs/config.ts";
import { bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
import { detectorId } from "lib/experiments/detect/detector_config.ts";
import { sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import {
  isDetector,
  namedConfigs,
  namedDetectors,
  readTrainArguments,
  type TrainArguments,
  trainHelp,
} from "lib/experiments/train_arguments.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const start = ["--config", "start"];

/** Of what is no detector. */
function readRun(args: string[]): TrainArguments {
  const read = readTrainArguments(args);
  if (read === undefined || isDetector(read)) throw new Error("no run");
  return read;
}

Deno.test("readTrainArguments() without options is the notebook's run at laptop scale", () => {
  const read = readRun(start);
  assertEquals(runId(read), runId({ config: bcSslStart, scale: "laptop", seed: 0 }));
  assertEquals([read.fresh, read.untilStep, read.supervised], [false, Infinity, false]);
});

Deno.test("readTrainArguments() takes a name with _supervised after it for the twin", () => {
  const args = ["--config", "start_supervised", "--set", "recipe.model.kernelSize=9"];
  const read = readRun(args);
  assertEquals([read.supervised, read.config.name], [true, "start"]);
  assertEquals(read.config.recipe.model, { ...bcSslStart.recipe.model, kernelSize: 9 });
});

Deno.test("readTrainArguments() changes values of every type, and gives another run", () => {
  const args = "--scale smoke --seed 3 --until 20 --fresh --set recipe.model.kernelSize=9 " +
    "--set recipe.crops.blurRadius=[0.1,0.5] --set data.placed=false --set name=mine";
  const read = readRun([...start, ...args.split(" ")]);
  assertEquals([read.scale, read.seed, read.fresh, read.untilStep], ["smoke", 3, true, 20]);
  const { config } = read;
  assertEquals(config.recipe.model, { ...bcSslStart.recipe.model, kernelSize: 9 });
  assertEquals(config.recipe.crops.blurRadius, [0.1, 0.5]);
  assertEquals([config.data, config.name], [{ kind: "fashion-mnist", placed: false }, "mine"]);
  assertTrue(runId(read) !== runId({ ...read, config: bcSslStart }), "another run");
});

Deno.test("readTrainArguments() says in one line what is wrong and what there is", () => {
  for (
    const [args, type, text] of [
      [["--confg", "start"], RangeError, "the options are --config, --scale"],
      [[], RangeError, "without --config NAME: there are emoji, start, "],
      [["--config", "nope"], RangeError, 'Cannot train "nope": there are emoji, start'],
      [[...start, "--scale", "huge"], RangeError, "use smoke, laptop, paper"],
      [[...start, "--seed", "-1"], RangeError, "--seed"],
      [[...start, "--seed", "1.5"], RangeError, "need a whole number"],
      [[...start, "--until", "x"], RangeError, "Cannot take --until x"],
      [[...start, "--set", "recipe.lr"], RangeError, "need PATH=VALUE"],
      [
        [...start, "--set", "recipe.lr=fast"],
        RangeError,
        "Cannot set recipe.lr to fast: it is 0.008",
      ],
      [[...start, "--set", "recipe.lr=[1]"], RangeError, "Cannot set recipe.lr"],
      [[...start, "--set", "recipe.model={}"], RangeError, "Cannot set recipe.model"],
      [
        [...start, "--set", "recipe.model.kernel=3"],
        TypeError,
        '"recipe.model.kernel": use one of',
      ],
      [[...start, "surplus"], RangeError, "surplus"],
    ] as const
  ) {
    assertThrows(() => readTrainArguments([...args]), type, text);
  }
});

Deno.test("readTrainArguments() knows the paper's runs by name, and their twins", () => {
  const read = readRun(["--config", "bcssl_t_k9_300ep_supervised", "--scale", "paper"]);
  assertEquals([read.config.name, read.supervised, read.scale], [
    "bcssl_t_k9_300ep",
    true,
    "paper",
  ]);
});

Deno.test("readTrainArguments() knows detectors by name, and changes their values", () => {
  const args = "--config scenes_emoji_bcssl_k9 --scale smoke --seed 2 --set recipe.lr=0.01 " +
    "--set model.fpnDim=8 --set pretrained.of=init";
  const read = readTrainArguments(args.split(" "))!;
  assertTrue(isDetector(read), "a detector");
  const wide = sceneDetectors.at(-1)!;
  const config = {
    ...wide,
    recipe: { ...wide.recipe, lr: 0.01 },
    model: { ...wide.model, fpnDim: 8 },
    pretrained: { ...wide.pretrained!, of: "init" },
  } as const;
  assertEquals(read.config, config);
  const key = { config, scale: "smoke", seed: 2 } as const;
  assertEquals(isDetector(read) && detectorId(read), detectorId(key));
  assertTrue(detectorId(key) !== detectorId({ ...key, config: wide }), "another run");
  assertTrue(detectorId(key) !== detectorId({ ...key, seed: 3 }), "another seed");
});

Deno.test("help names every config, and its examples are read", () => {
  assertEquals(readTrainArguments(["--help"]), undefined);
  const names = [...namedConfigs.keys(), ...namedDetectors.keys()];
  for (const name of names) assertTrue(trainHelp.includes(name), name);
  const examples = trainHelp.split("\n").filter((line) => /^ .*deno task train/.test(line));
  assertEquals(examples.length, 6);
  for (const example of examples) {
    const [, args] = /deno task train ([^>]*)/.exec(example)!;
    assertTrue(readTrainArguments(args!.trim().split(" ")) !== undefined, example);
  }
});
