/** What the schema of configs takes and refuses, in every field. */
import { armConfig } from "./arms.ts";
import { type PretrainConfig, recipeAt, runId } from "./config.ts";
import { bcSslEmoji, bcSslStart } from "./notebook_runs.ts";
import { checkConfig, override, withChanges } from "./override.ts";
import { paperRuns } from "./paper_runs.ts";
import { detectorId } from "lib/experiments/detect/detector_config.ts";
import { paperDetectors, sceneDetectors } from "lib/experiments/detect/detector_runs.ts";
import {
  convNeXtConfig,
  convNeXtIsotropicConfig,
  repLKNetConfig,
  resNetConfig,
  sLaKConfig,
  swinConfig,
  vitConfig,
} from "lib/models/mod.ts";
import { record, schemaOf } from "lib/schema/fields.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";
import * as v from "valibot";

const models = [
  convNeXtConfig("atto"),
  { ...convNeXtConfig("tiny"), kernelSize: [31, 29, 27, 13] },
  convNeXtIsotropicConfig("small"),
  vitConfig("huge"),
  swinConfig("base", { windowSize: 14, normEps: 1e-5 }),
  resNetConfig(18),
  resNetConfig(152, { width: 2, selectiveKernels: true }),
  repLKNetConfig("31L"),
  sLaKConfig("tiny"),
];

/** Every option of every kind of config is in one of these, the optional ones too. */
const whole: readonly object[] = [
  override(bcSslStart, {
    data: { kind: "folder", train: "/a", test: "/b", maxBadFraction: 0.1 },
    recipe: { optimizer: "lars", accumulate: 2, teacherDropPath: true, precision: "bf16" },
  }),
  { kind: "imagenet", numClasses: 100, folder: "/a", maxBadFraction: 0 },
  { kind: "cifar100", labels: "fine", folder: "/a" },
  { kind: "cifar10", folder: "/a" },
  { kind: "stl10", folder: "/a" },
  { kind: "imagenette" },
  { ...bcSslEmoji.data, background: "textured" },
  { kind: "scenes", labels: "identity" },
  override(paperDetectors[0]!, {
    data: { folder: "/a", train: "train2017", val: "val2017", onFault: "stop" },
    pretrained: { seed: 1, of: "best" },
  }),
  { ...sceneDetectors[0]!, pretrained: { weights: "/a" } },
  ...models,
];

type Path = readonly string[];

/** Every value within a config that is no object with keys: its path and itself. */
function leavesOf(value: unknown, path: Path = []): (readonly [Path, unknown])[] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** Every object within a config, and the config itself. */
function objectsOf(value: unknown, path: Path = []): (readonly [Path, object])[] {
  if (typeof value !== "object" || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, part]) => objectsOf(part, [...path, key]));
  return Array.isArray(value) ? inner : [[path, value], ...inner];
}

function changedAt(config: object, path: Path, value: unknown): object {
  return withChanges(config, path.reduceRight((inner, key) => ({ [key]: inner }), value)) as object;
}

/** The message that a config is refused with; undefined if it is taken. */
function refusalOf(config: object): string | undefined {
  try {
    checkConfig(config);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

Deno.test("all configs of the project are valid, and so are the models of every family", () => {
  const configs = [
    bcSslStart,
    bcSslEmoji,
    ...paperRuns.map(({ config }) => config),
    ...sceneDetectors,
    ...paperDetectors,
    { ...sceneDetectors[0], pretrained: null },
    armConfig({ arch: "swin" }, { scale: "laptop" }),
    ...whole,
  ];
  for (const config of configs) assertEquals(refusalOf(config), undefined);
});

Deno.test("a value of a wrong type is refused in every field of every config, by its path", () => {
  let count = 0;
  for (const config of whole) {
    for (const [path, value] of leavesOf(config)) {
      const wrong = [null, {}, [], () => 1, Symbol("s"), 1n, NaN, Infinity, -Infinity];
      if (typeof value === "number") wrong.push(String(value), true, [value], 1e400);
      if (typeof value === "boolean") wrong.push(String(value), Number(value));
      if (typeof value === "string") wrong.push(0, true, "", "\0", [value]);
      for (const other of wrong) {
        if (path.at(-1) === "crop" && other === null) continue; // no crop, which is allowed
        const message = refusalOf(changedAt(config, path, other)) ?? "taken";
        const name = path.join(".").replace(/(\.\d+)+$/, ""); // a list may be refused as a whole
        assertTrue(message.includes(name), `${name} = ${String(other)}: ${message}`);
        count++;
      }
    }
  }
  assertTrue(count > 5000, `only ${count} values were tried`);
});

Deno.test("an unknown option is refused in every object of every config, and a missing one", () => {
  const optional =
    /numClasses|folder|maxBadFraction|optimizer|accumulate|teacherDropPath|precision|seed|onFault|background|\bof$/;
  for (const config of whole) {
    for (const [path, object] of objectsOf(config)) {
      for (const key of ["surplus", "toString", "__proto__x", "constructor"]) {
        const message = refusalOf(changedAt(config, path, { [key]: 1 }))!;
        assertTrue(message?.includes(`"${[...path, key].join(".")}"`), `${path}: ${message}`);
      }
      for (const key of Object.keys(object)) {
        const without = changedAt(config, [...path, key], undefined);
        if (optional.test(key) || path.includes("data") && /train|val/.test(key)) continue;
        if (key === "weights") continue; // without it, it is a run
        if (path.length === 0 && ["arch", "kind", "pretrained"].includes(key)) continue;
        const message = refusalOf(without) ?? "";
        assertTrue(message.includes(`${key}" is missing: need `), `${[...path, key]}: ${message}`);
      }
    }
  }
});

const start = bcSslStart as object;
const detector = sceneDetectors[0] as object;

Deno.test("a value that makes no sense is refused with what is allowed", () => {
  for (
    const [base, path, value, expected] of [
      [start, "recipe.model.batchNorm", "false", 'is "false", but must be true or false'],
      [start, "recipe.warmupShare", 10, "is 10, but must be a number from 0 to 1"],
      [start, "recipe.freezeLastLayerShare", -0.1, "a number from 0 to 1"],
      [start, "recipe.warmupTeacherTempShare", 1.01, "a number from 0 to 1"],
      [start, "recipe.lr", NaN, "is NaN, but must be a number above 0"],
      [start, "recipe.lr", -0.1, "a number above 0"],
      [start, "recipe.lr", 0, "a number above 0"],
      [start, "recipe.lr", 1e400, "is Infinity, but must be a number above 0"],
      [start, "recipe.minLr", -1, "a number of at least 0"],
      [start, "recipe.weightDecay", -1, "a number of at least 0"],
      [start, "recipe.weightDecayEnd", -1, "a number of at least 0"],
      [start, "recipe.clipNorm", -1, "a number of at least 0"],
      [start, "recipe.studentTemp", 0, "a number above 0"],
      [start, "recipe.teacherTemp", 0, "a number above 0"],
      [start, "recipe.warmupTeacherTemp", -1, "a number above 0"],
      [start, "recipe.teacherMomentum", 1.1, "a number from 0 to 1"],
      [start, "recipe.centerMomentum", -0.1, "a number from 0 to 1"],
      [start, "recipe.accumulate", 0, "a whole number from 1"],
      [start, "recipe.accumulate", 1.5, "a whole number from 1"],
      [
        start,
        "recipe.optimizer",
        "adam",
        '"lars", "lars_byol", "lars_simclr", "lars_swav", "lars_mocov3"; did you mean "adamw"?',
      ],
      [start, "recipe.precision", "fp16", 'but must be "bf16"'],
      [start, "recipe.method", "pirl", 'recipe.method is "pirl", but must be "'],
      [start, "recipe.head.outDim", 1, "a whole number from 2"],
      [start, "recipe.head.hiddenDim", 0, "a whole number from 1"],
      [start, "recipe.head.bottleneckDim", 2.5, "a whole number from 1"],
      [start, "recipe.model.kernelSize", "9", 'is "9", but must be an odd whole number'],
      [start, "recipe.model.kernelSize", 8, "is 8, but must be an odd whole number"],
      [start, "recipe.model.kernelSize", -7, "an odd whole number of at least 1"],
      [start, "recipe.model.kernelSize", [3, 5], "or a list of one for each stage"],
      [start, "recipe.model.kernelSize", [3, 5, 7, 8], "kernelSize.3 is 8, but must be an odd"],
      [start, "recipe.model.depths", [], "a list with at least one entry"],
      [start, "recipe.model.depths", [1, 0, 3, 1], "depths.1 is 0, but must be a whole number"],
      [start, "recipe.model.depths", [1, 1, 3], "as long as dims: one entry for each stage"],
      [start, "recipe.model.dims", [24, 48, 96, 1e9], "a whole number from 1 to 65536"],
      [start, "recipe.model.patchSize", 0, "a whole number from 1"],
      [start, "recipe.model.dropPathRate", 1, "a number from 0 to below 1"],
      [start, "recipe.model.layerScaleInit", -1, "a number of at least 0"],
      [start, "recipe.model.arch", "alexnet", 'recipe.model.arch is "alexnet", but must be "convn'],
      [start, "recipe.crops.globalScale", [0.9, 0.4], "[low, high] with low at most high"],
      [start, "recipe.crops.globalScale", [0, 1], "a number above 0 and at most 1"],
      [start, "recipe.crops.localScale", [0.1], 'localScale.1" is missing: need a number above'],
      [start, "recipe.crops.blurRadius", [-1, 2], "a number of at least 0"],
      [start, "recipe.crops.blur", [1, 0.1], 'crops.blur.2" is missing: need a number from 0 to 1'],
      [start, "recipe.crops.blur", 0.5, "a list of three, each a number from 0 to 1"],
      [start, "recipe.crops.flip", 2, "a number from 0 to 1"],
      [start, "recipe.crops.jitter.hue", 0.6, "a number from 0 to 0.5"],
      [start, "recipe.crops.jitter.brightness", -1, "a number of at least 0"],
      [start, "recipe.crops.localCrops", -1, "a whole number from 0"],
      [start, "recipe.crops.localSize", 0, "a whole number from 1"],
      [
        start,
        "recipe.crops.stats.std",
        [1, 0, 1],
        "stats.std.1 is 0, but must be a number above 0",
      ],
      [start, "recipe.crops.stats.mean", [0, 0, NaN], "is NaN, but must be a finite number"],
      [start, "scales.laptop.epochs", "2", 'is "2", but must be a whole number from 1'],
      [start, "scales.laptop.epochs", 0, "is 0, but must be a whole number from 1"],
      [start, "scales.laptop.batchSize", 2.5, "a whole number from 1"],
      [start, "scales.laptop.batchSize", -64, "a whole number from 1"],
      [start, "scales.laptop.imageSize", 1e9, "a whole number from 1 to 65536"],
      [start, "scales.laptop.monitorEvery", 0, "a whole number of at least 1"],
      [start, "scales.laptop.trainCount", 0, "a whole number of at least 1"],
      [start, "scales.laptop.trainCount", 1e12, "is 1000000000000, but must be a whole number"],
      [start, "scales.laptop.testCount", -1, "a whole number of at least 1"],
      [start, "scales.huge", {}, 'unknown option "scales.huge": use one of smoke, laptop, paper'],
      [
        start,
        "data",
        { kind: "imagenet", numClasses: -1 },
        "numClasses is -1, but must be a whole",
      ],
      [start, "data", { kind: "imagenet", numClasses: 1 }, "a whole number from 2"],
      [start, "data", { kind: "folder" }, '"data.train" is missing: need a path'],
      [
        start,
        "data",
        { kind: "folder", train: " ", test: "x" },
        'data.train is " ", but must be a',
      ],
      [start, "data", { kind: "foldr" }, 'did you mean "folder"?'],
      [start, "data", { kind: "emoji", labels: "group" }, '"subgroup" or "identity"'],
      [start, "data", { kind: "emoji", labels: "subgroup", background: "grey" }, '"textured"'],
      [
        start,
        "data",
        { kind: "emoji", labels: "subgroup", background: "texture" },
        'background is "texture", but must be "textured"; did you mean "textured"?',
      ],
      [
        start,
        "data",
        { kind: "scenes" },
        '"data.labels" is missing: need "subgroup" or "identity"',
      ],
      [start, "data", { kind: "scenes", labels: "group" }, '"subgroup" or "identity"'],
      [
        start,
        "data",
        { kind: "scenes", labels: "subgroup", background: "textured" },
        'unknown option "data.background"',
      ],
      [start, "data", { kind: "scene", labels: "subgroup" }, 'did you mean "scenes"?'],
      [start, "data", undefined, '"data" is missing: need an object with kind'],
      [start, "recipe.learningRate", 1, 'unknown option "recipe.learningRate"'],
      [start, "recipe.warmupshare", 1, 'did you mean "warmupShare"?'],
      [start, "recipe.model.kernel", 3, 'did you mean "kernelSize"?'],
      [detector, "pretrained", "teacher", "an object with config, scale, seed, of"],
      [detector, "pretrained.of", "pupil", '"teacher", "student", "best", "init", "supervised"'],
      [detector, "pretrained.scale", "huge", '"smoke", "laptop", "paper"'],
      [detector, "pretrained.seed", 0.5, "a whole number"],
      [detector, "pretrained.config.recipe.lr", 0, "pretrained.config.recipe.lr is 0"],
      [detector, "model.fpnDim", 0, "a whole number from 1"],
      [
        detector,
        "model.rpn.match",
        { low: 0.9 },
        "model.rpn.match.low is 0.9, but must be at most",
      ],
      [detector, "model.rpn.anchors", [], "a list with at least one entry"],
      [detector, "model.rpn.samples.objectFraction", 2, "a number from 0 to 1"],
      [detector, "model.box.size", 0, "a whole number from 1"],
      [detector, "model.detections.most", 0, "a whole number of at least 1"],
      [detector, "model.numClasses", 21, 'unknown option "model.numClasses"'],
      [detector, "recipe.layerDecay", 0, "a number above 0 and at most 1"],
      [detector, "recipe.drops", [0.5, 2], "recipe.drops.1 is 2, but must be a number from 0 to 1"],
      [detector, "recipe.warmupSteps", -1, "a whole number of at least 0"],
      [detector, "recipe.augment.shortSides", [], "a list with at least one entry"],
      [detector, "recipe.augment.longSide", 0, "a number above 0"],
      [detector, "scales.smoke.valCount", 0, "a whole number of at least 1"],
      [{ ...vitConfig("nano") }, "numHeads", 5, "a divisor of embedDim"],
      [{ ...vitConfig("nano") }, "patchSize", 64, "at most imageSize"],
      [{ ...swinConfig("nano") }, "numHeads", [1, 2, 4], "as long as depths"],
      [{ ...swinConfig("nano") }, "numHeads", [3, 2, 4, 8], "divisors of the layers' channels"],
      [{ ...resNetConfig(18) }, "selectiveKernels", true, 'false where block is "basic"'],
      [{ ...repLKNetConfig("nano") }, "smallKernelSize", 9, "at most the smallest of kernelSizes"],
      [
        { ...repLKNetConfig("nano") },
        "kernelSizes",
        [15, 13],
        "kernelSizes is [15,13], but must be as",
      ],
      [
        { ...sLaKConfig("nano") },
        "kernelSizes",
        [15, 13, 11, 6],
        "kernelSizes.3 is 6, but must be",
      ],
    ] as const
  ) {
    const message = refusalOf(changedAt(base, path.split("."), value)) ?? "taken";
    assertTrue(message.includes(expected), `${path} = ${String(value)}: ${message}`);
    assertTrue(message.startsWith("Cannot use ") && !message.includes("\n"), message);
  }
});

Deno.test("a name that would leave outputs/, or that no folder can have, is refused", () => {
  const bad = [
    "",
    "a/b",
    "..",
    "../a",
    "a..b",
    ".hidden",
    "a\\b",
    "a\nb",
    "a\0b",
    " a",
    "a ",
    "a:b",
  ];
  for (const name of [...bad, "n".repeat(101), 7, null]) {
    const message = refusalOf({ ...bcSslStart, name }) ?? `taken: ${name}`;
    assertTrue(message.includes("name is ") && message.includes("that a folder can have"), message);
    const config = { ...bcSslStart, name: name as string };
    assertThrows(() => runId({ config, scale: "smoke", seed: 0 }), Error, "name is ");
  }
  for (const name of ["start", "bcssl_t_k9_300ep", "Käfer 2.0", "a-b"]) {
    assertEquals(refusalOf({ ...bcSslStart, name }), undefined);
  }
});

Deno.test("every place that a config enters refuses one that is not valid", () => {
  const config = { ...bcSslStart, recipe: { ...bcSslStart.recipe, lr: NaN } };
  const text = 'Cannot use "start": recipe.lr is NaN';
  assertThrows(() => recipeAt(config, "smoke"), RangeError, text);
  assertThrows(() => runId({ config, scale: "smoke", seed: 0 }), RangeError, text);
  const none = undefined as unknown as PretrainConfig;
  assertThrows(() => recipeAt(none, "smoke"), TypeError, "Cannot use the config");
  const scene = sceneDetectors[0]!;
  const wrong = { ...scene, pretrained: { config, scale: "smoke" as const } };
  const id = () => detectorId({ config: wrong, scale: "smoke", seed: 0 });
  assertThrows(id, RangeError, "pretrained.config.recipe.lr is NaN");
});

Deno.test("a seed that is no whole number is refused: as a text it would be another run", () => {
  for (const seed of ["0", 0.5, NaN, null, undefined]) {
    const key = { config: bcSslStart, scale: "smoke", seed: seed as number } as const;
    assertThrows(() => runId(key), RangeError, 'Cannot run "start" with seed ');
    const detectorKey = { ...key, config: sceneDetectors[0]! };
    assertThrows(() => detectorId(detectorKey), RangeError, "need a whole number");
  }
});

Deno.test("the compiler refuses a schema that differs from its type", () => {
  interface Thing {
    readonly a: number;
    readonly b?: readonly string[];
  }
  const [a, b] = [v.number(), v.optional(v.array(v.string()))];
  schemaOf<Thing>()(record({ a, b }));
  // @ts-expect-error an optional key is missing in the schema
  schemaOf<Thing>()(record({ a }));
  // @ts-expect-error a key is optional in the type alone
  schemaOf<Thing>()(record({ a, b: v.array(v.string()) }));
  // @ts-expect-error a type differs
  schemaOf<Thing>()(record({ a: v.string(), b }));
  // @ts-expect-error the schema has a key more
  schemaOf<Thing>()(record({ a, b, c: a }));
  // @ts-expect-error the schema takes null
  schemaOf<Thing>()(record({ a: v.nullable(a), b }));
});
