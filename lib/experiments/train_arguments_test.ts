import { runId } from "lib/experiments/config.ts";
import { bcSslStart } from "lib/experiments/configs.ts";
import { namedConfigs, readTrainArguments, trainHelp } from "lib/experiments/train_arguments.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const start = ["--config", "start"];

Deno.test("readTrainArguments() without options is the notebook's run at laptop scale", () => {
  const read = readTrainArguments(start)!;
  assertEquals(runId(read), runId({ config: bcSslStart, scale: "laptop", seed: 0 }));
  assertEquals([read.fresh, read.untilStep, read.supervised], [false, Infinity, false]);
});

Deno.test("readTrainArguments() takes a name with _supervised after it for the twin", () => {
  const args = ["--config", "start_supervised", "--set", "recipe.model.kernelSize=9"];
  const read = readTrainArguments(args)!;
  assertEquals([read.supervised, read.config.name], [true, "start"]);
  assertEquals(read.config.recipe.model, { ...bcSslStart.recipe.model, kernelSize: 9 });
});

Deno.test("readTrainArguments() changes values of every type, and gives another run", () => {
  const args = "--scale smoke --seed 3 --until 20 --fresh --set recipe.model.kernelSize=9 " +
    "--set recipe.crops.blurRadius=[0.1,0.5] --set data.placed=false --set name=mine";
  const read = readTrainArguments([...start, ...args.split(" ")])!;
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
  const read = readTrainArguments(["--config", "bcssl_t_k9_300ep_supervised", "--scale", "paper"])!;
  assertEquals([read.config.name, read.supervised, read.scale], [
    "bcssl_t_k9_300ep",
    true,
    "paper",
  ]);
});

Deno.test("help names every config, and its examples are read", () => {
  assertEquals(readTrainArguments(["--help"]), undefined);
  for (const name of namedConfigs.keys()) assertTrue(trainHelp.includes(name), name);
  const examples = trainHelp.split("\n").filter((line) => /^ .*deno task train/.test(line));
  assertEquals(examples.length, 5);
  for (const example of examples) {
    const [, args] = /deno task train ([^>]*)/.exec(example)!;
    assertTrue(readTrainArguments(args!.trim().split(" ")) !== undefined, example);
  }
});
