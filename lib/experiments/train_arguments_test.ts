import { runId } from "lib/experiments/configs/config.ts";
import { bcSslEmoji, bcSslStart } from "lib/experiments/configs/notebook_runs.ts";
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
import { vitConfig } from "lib/models/mod.ts";
import { valueAt } from "lib/schema/check.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const start = ["--config", "start"];

/** The arguments of a run that trains no detector. */
function readRun(args: string[]): TrainArguments {
  const read = readTrainArguments(args);
  if (read === undefined || isDetector(read)) throw new Error("no run");
  return read;
}

Deno.test("readTrainArguments() without options is the notebook's run at laptop scale", () => {
  const read = readRun(start);
  assertEquals(runId(read), runId({ config: bcSslStart, scale: "laptop", seed: 0 }));
  assertEquals([read.fresh, read.untilStep, read.supervised], [false, Infinity, false]);
  assertEquals([read.workers, read.engine, read.probe], [1, undefined, false]);
});

Deno.test("readTrainArguments() takes a name with _supervised after it for the twin", () => {
  const args = ["--config", "start_supervised", "--set", "recipe.model.kernelSize=9"];
  const read = readRun(args);
  assertEquals([read.supervised, read.config.name], [true, "start"]);
  assertEquals(read.config.recipe.model, { ...bcSslStart.recipe.model, kernelSize: 9 });
});

Deno.test("readTrainArguments() changes values of every type, and gives another run", () => {
  const args =
    "--scale smoke --seed 3 --until 20 --workers 2 --probe --fresh --set recipe.model.kernelSize=9 " +
    "--set recipe.crops.blurRadius=[0.1,0.5] --set data.placed=false --set name=mine " +
    "--engine tensorflow";
  const read = readRun([...start, ...args.split(" ")]);
  assertEquals([read.scale, read.seed, read.fresh, read.untilStep], ["smoke", 3, true, 20]);
  assertEquals([read.workers, read.engine, read.probe], [2, "tensorflow", true]);
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
      [[], RangeError, "without --config NAME: there are emoji, emoji_fine, start_fine, start, "],
      [["--config", "nope"], RangeError, 'Cannot train "nope": there are emoji, emoji_fine'],
      [["--config", "start_byoll"], RangeError, '"start_byoll": did you mean "start_byol"? --help'],
      [[...start, "--scale", "huge"], RangeError, "use smoke, laptop, paper"],
      [[...start, "--seed", "-1"], RangeError, "--seed"],
      [[...start, "--seed", "1.5"], RangeError, "need a whole number"],
      [[...start, "--until", "x"], RangeError, "Cannot take --until x"],
      [[...start, "--workers", "0"], RangeError, "Cannot train with --workers 0"],
      [[...start, "--engine", "cuda"], RangeError, 'the engine "cuda": use tensorflow or webgpu'],
      [
        [...start, "--engine", "webgpu", "--workers", "2"],
        RangeError,
        "Cannot train with --workers 2 on WebGPU",
      ],
      [["--config", "start_supervised", "--probe"], RangeError, "Cannot take --probe for start_s"],
      [["--config", "scenes_emoji_bcssl_k9", "--probe"], RangeError, "Cannot take --probe for sc"],
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

Deno.test("--set takes every option of the types, nested, of any type, also those that the config leaves out", () => {
  const set = (...settings: string[]) =>
    readRun([...start, ...settings.flatMap((setting) => ["--set", setting])]).config;
  for (
    const [setting, value] of [
      ["recipe.precision=bf16", "bf16"],
      ["recipe.gradients=bf16", "bf16"],
      ["recipe.accumulate=2", 2],
      ["recipe.optimizer=lars", "lars"],
      ["recipe.teacherDropPath=true", true],
      ["recipe.lr=.004", 0.004],
      ["recipe.lr=4e-3", 0.004],
      ["recipe.model.batchNorm=false", false],
      ["recipe.model.kernelSize=[3,5,7,9]", [3, 5, 7, 9]],
      ["recipe.crops.jitter.hue=0", 0],
    ] as const
  ) {
    const path = setting.split("=")[0]!.split(".");
    const config = set(setting);
    assertEquals(valueAt(config, path), value);
    const key = { scale: "smoke", seed: 0 } as const;
    assertTrue(runId({ config, ...key }) !== runId({ config: bcSslStart, ...key }), setting);
  }
  assertEquals(set("recipe.crops.blur.1=0.3").recipe.crops.blur, [1, 0.3, 0.5]);
  assertEquals(set("name=9").name, "9");
  assertEquals(set("name=true").name, "true");
  assertEquals(set('name="quoted"').name, "quoted");
  assertEquals(set("name=a=b").name, "a=b");
  assertEquals(set('recipe.head={"outDim":64}').recipe.head, {
    ...bcSslStart.recipe.head,
    outDim: 64,
  });
  const folder = { kind: "folder", train: "/a", test: "12" } as const;
  assertEquals(set("data.train=/a", "data.kind=folder", "data.test=12").data, folder);
  assertEquals(set(`data=${JSON.stringify(folder)}`).data, folder);
  assertEquals(set('data={"kind":"folder"}', "data.train=/a", "data.test=12").data, folder);
  const vit = JSON.stringify(vitConfig("nano"));
  assertEquals(set(`recipe.model=${vit}`, "recipe.model.depth=2").recipe.model, {
    ...vitConfig("nano"),
    depth: 2,
  });
});

Deno.test("--set chooses the kind of emoji pictures", () => {
  const set = (...settings: string[]) =>
    readRun(["--config", "emoji", ...settings.flatMap((setting) => ["--set", setting])]);
  const textured = set("data.background=textured");
  assertEquals(textured.config.data, { ...bcSslEmoji.data, background: "textured" });
  const scenes = set("data.kind=scenes", "data.labels=subgroup");
  assertEquals(scenes.config.data, { kind: "scenes", labels: "subgroup" });
  const ids = [set(), textured, scenes].map((read) => runId(read));
  assertEquals(new Set(ids).size, 3);
  assertEquals(ids[0], runId({ config: bcSslEmoji, scale: "laptop", seed: 0 }));
  const grey = () => set("data.background=grey");
  assertThrows(grey, RangeError, 'background to grey: it is not set, and must be "textured"');
  assertThrows(
    () => set("data.kind=scenes"),
    RangeError,
    'Cannot set data.kind to scenes: "data.labels" is missing: need "subgroup" or "identity"',
  );
});

Deno.test("--set says what a value is now, and what it may be", () => {
  for (
    const [settings, text] of [
      [
        ["data.kind=folder"],
        'Cannot set data.kind to folder: "data.train" is missing: need a path',
      ],
      [
        ["data.kind=fodler"],
        'it is "fashion-mnist", and must be "fashion-mnist", "emoji", "scenes", "folder"',
      ],
      [["recipe.lr=NaN"], "Cannot set recipe.lr to NaN: it is 0.008, and must be a number above 0"],
      [["recipe.lr="], "it is 0.008, and must be a number above 0"],
      [["recipe.warmupShare=10"], "it is 0.1, and must be a number from 0 to 1"],
      [["recipe.precision=fp16"], 'it is not set, and must be "bf16"'],
      [['recipe.model.kernelSize="9"'], "it is 7, and must be an odd whole number"],
      [["recipe.model.batchNorm=no"], "it is true, and must be true or false"],
      [["recipe.model.depths=[1,1]"], "it is [1,1,3,1], and must be as long as dims"],
      [["scales.smoke.epochs=2.5"], "it is 2, and must be a whole number from 1"],
      [["scales.smoke.epochs=-2"], "it is 2, and must be a whole number from 1"],
      [["name=../x"], 'it is "start", and must be a name of 1 to 100 characters'],
      [["recipe.crops.blur.7=0"], 'blur is {"7":0}, but must be a list of three'],
      [["recipe.lr=1", "recipe.lr=2"], "Cannot set recipe.lr twice: give one value"],
      [["data=7", "data.kind=emoji"], "Cannot set data and data.kind together"],
      [["recipe.model={}"], "that changes nothing"],
      [["recipe..lr=1"], "need PATH=VALUE"],
      [["=1"], "need PATH=VALUE"],
    ] as const
  ) {
    const args = settings.flatMap((setting) => ["--set", setting]);
    assertThrows(() => readTrainArguments([...start, ...args]), RangeError, text);
  }
  for (const path of ["toString", "recipe.__proto__.x", "recipe.model.kernal"]) {
    const name = path.replace(".x", "");
    const read = () => readTrainArguments([...start, "--set", `${path}=1`]);
    assertThrows(read, TypeError, `Cannot set ${path} to 1: unknown option "${name}": use one of`);
  }
});

Deno.test("help says what every config costs", () => {
  const text = trainHelp.replaceAll(/\s+/g, " ");
  for (const name of [...namedConfigs.keys(), ...namedDetectors.keys()]) {
    assertTrue(new RegExp(`\\b${name} \\([\\d,]+( min| steps)?\\)`).test(text), name);
  }
  assertTrue(text.includes("bcssl_t_k9_300ep (42)"), "days of a V100");
  assertTrue(text.includes("coco_bcssl_t_k9_100ep_3x (263,844 steps)"), "steps of a detector");
  assertTrue(trainHelp.split("\n").every((line) => line.length <= 100), "lines fit a terminal");
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
  const args = "--config scenes_emoji_fine_bcssl_k9 --scale smoke --seed 2 --set recipe.lr=0.01 " +
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
  assertEquals(examples.length, 10);
  for (const example of examples) {
    const [, args] = /deno task train ([^>]*)/.exec(example)!;
    assertTrue(readTrainArguments(args!.trim().split(" ")) !== undefined, example);
  }
});
