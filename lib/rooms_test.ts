/**
 * Checks the rooms of `lib`: which room may import which, and what may be in only one place. It
 * reads import lines and runs nothing.
 */
import { dirname, join, relative } from "node:path";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

const lib = import.meta.dirname!;

/**
 * The floor of each room: a room imports rooms on lower floors and its own files. `setup` and
 * `testing` have rules of their own: see {@linkcode mayImport}.
 */
const floors: Readonly<Record<string, number>> = {
  engine: 0, // tf.ts, tf_op.ts, tf_device.ts, tf_adapter.ts, tf_mends.ts, rng.ts, paths.ts, task_arguments.ts
  paper: 0,
  schema: 0, // checks what a config may be
  stats: 0,
  native: 1,
  webgpu: 1, // the twins of native's kernels for a GPU
  distributed: 1, // several processes that train one run
  augment: 1,
  runs: 1,
  nn: 2,
  train: 3,
  models: 3,
  datasets: 3,
  weights: 4,
  ssl: 5,
  eval: 5,
  detect: 5,
  robustness: 5,
  explain: 5,
  experiments: 6,
  report: 7,
  bench: 8, // compares the rooms below with PyTorch and draws the results
  gpu_check: 9, // compares a GPU with a CPU, and times it beside PyTorch; nothing imports it
};

/**
 * The folders of a room, in order: a folder imports those before it. Files that lie in the room
 * itself come last, so that a room's `mod.ts` may import all folders and no folder imports it; where
 * they come earlier, an empty name says where.
 */
const folders: Readonly<Record<string, readonly string[]>> = {
  datasets: ["files", "pictures", "small_sets", "emoji", "imagenet", "coco", "transfer", "laptop"],
  detect: ["boxes", "network", "inference", "training", "score"],
  eval: ["features", "nearest", "quality", "supervised", "probe", "transfer"],
  experiments: [
    ...["configs", "runs", "browse", "subjects", "measure", "pretrain"],
    ...["transfer", "detect", "explain", "robustness", "ship"],
  ],
  models: ["parts", "convnext", "slak", "replknet", "resnet", "vit", "swin", "igpt"],
  report: [
    "notebook",
    "draw",
    "interactive",
    "exercises",
    "figures",
    "tables",
    "save",
    "sheets",
    "browser",
    "results",
    "transfer",
  ],
  robustness: ["filters", "corruptions"],
  setup: ["install", "notebooks"],
  ssl: [
    "views",
    "method",
    "distillation",
    "dino",
    "byol",
    "simclr",
    "swav",
    "deepcluster",
    "esvit",
    "mocov3",
    "moby",
    "igpt",
  ],
  testing: ["results", "runs", "gpu", "", "distributed"],
};
/** Largest number of files, without tests, in one folder. */
const crowd = 20;
const apart = ["setup", "testing", "std_path"];

/**
 * The files of `native` that set-up calls; they must not import packages, which are not installed
 * yet.
 */
const compilesNative = [
  ...["native/build.ts", "native/_library.ts"],
  ...["native/cuda_build.ts", "native/cuda_library.ts", "native/platform.ts"],
];

/**
 * A file of `lib`: its path below `lib`, its code without comments, and the files of `lib` that it
 * imports.
 */
interface Source {
  readonly path: string;
  readonly code: string;
  readonly imports: readonly string[];
}

/** `ssl/dino/dino.ts` → `ssl`; files at the top are the engine room. */
function roomOf(path: string): string {
  return path.includes("/") ? path.split("/", 1)[0]! : "engine";
}

/**
 * `experiments/runs/pause.ts` → `runs`; for a file that lies in the room itself, the empty string.
 */
function folderOf(path: string): string {
  return path.split("/").slice(1, -1).join("/");
}

/** Whether a file may import another one of its room. A test may import any. */
function mayImportInside(from: string, to: string): boolean {
  const [here, there] = [folderOf(from), folderOf(to)];
  if (here === there || isTest(from)) return true;
  const names = folders[roomOf(from)] ?? [];
  const order = names.includes("") ? names : [...names, ""];
  return order.indexOf(there) < order.indexOf(here);
}

function isTest(path: string): boolean {
  return /_(test|bench)\.ts$/.test(path);
}

function mayImport(from: string, to: string): boolean {
  const [room, target] = [roomOf(from), roomOf(to)];
  if (target === "std_path" || /\/golden\//.test(to)) return true;
  if (room === target) return mayImportInside(from, to);
  if (target === "testing") return isTest(from);
  if (room === "testing") return target !== "report";
  if (target === "setup") return isTest(from);
  if (room === "setup") return target === "engine" || compilesNative.includes(to) || isTest(from);
  return floors[target]! < floors[room]!;
}

/** Blanks comments; a `//` inside a string, as in an address, is left alone. */
function withoutComments(code: string): string {
  return code.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[^]*?\*\/|\/\/[^\n]*/g,
    (_, text) => text ?? " ",
  );
}

function importsOf(path: string, code: string): string[] {
  const specifiers = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"\n]+)"/g;
  return [...code.matchAll(specifiers)].flatMap(([, specifier]) => {
    if (specifier!.startsWith("lib/")) return [specifier!.slice("lib/".length)];
    if (specifier!.startsWith(".")) return [join(dirname(path), specifier!)];
    return [];
  });
}

function source(path: string, text: string): Source {
  const code = withoutComments(text);
  return { path, code, imports: importsOf(path, code) };
}

async function readSources(dir: string = lib): Promise<Source[]> {
  const sources: Source[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    const path = join(dir, name);
    if (isDirectory) sources.push(...await readSources(path));
    // This file itself is left out: it holds counter-examples.
    else if (name.endsWith(".ts") && path !== import.meta.filename) {
      sources.push(source(relative(lib, path), await Deno.readTextFile(path)));
    }
  }
  return sources;
}

function wrongArrows(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, imports }) =>
    imports.filter((to) => !mayImport(path, to)).map((to) => `${path} imports ${to}`)
  );
}

/** One circle of imports, as the files along it; empty if there is none. */
function findCircle(sources: readonly Source[]): string[] {
  const graph = new Map(sources.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    const start = trail.indexOf(path);
    if (start >= 0) return [...trail.slice(start), path];
    if (done.has(path)) return [];
    for (const next of graph.get(path) ?? []) {
      const circle = visit(next, [...trail, path]);
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  for (const { path } of sources) {
    const circle = visit(path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

/** Types that several files define and export, each as `Name: files`. */
function repeatedTypes(sources: readonly Source[]): string[] {
  const definitions = sources.flatMap(({ path, code }) =>
    [...code.matchAll(/^export (?:abstract )?(?:type|interface|class|enum) (\w+)/gm)]
      .map(([, name]) => ({ name: name!, path }))
  );
  return [...Map.groupBy(definitions, ({ name }) => name)]
    .filter(([, all]) => all.length > 1)
    .map(([name, all]) => `${name}: ${all.map(({ path }) => path).join(", ")}`);
}

/**
 * Names that more than two files have, except names that mean the same in every room, such as
 * `mod.ts`. Files of one name in the folders of methods count once: each method has the same parts.
 */
function crowdedNames(sources: readonly Source[]): string[] {
  const common = ["mod.ts", "golden_test.ts"];
  const methods = folders.ssl!.filter((name) => !["views", "method"].includes(name));
  const folderOfName = (path: string) =>
    dirname(path).replace(new RegExp(`^ssl/(${methods.join("|")})$`), "ssl/*");
  const names = Map.groupBy(sources, ({ path }) => path.split("/").at(-1)!);
  return [...names].filter(([name, all]) =>
    new Set(all.map(({ path }) => folderOfName(path))).size > 2 && !common.includes(name)
  ).map(([name]) => name);
}

const sources = await readSources();

Deno.test("rooms: each room has a floor, or stands apart", () => {
  const rooms = [...new Set(sources.map(({ path }) => roomOf(path)))];
  assertEquals(rooms.filter((room) => !(room in floors) && !apart.includes(room)), []);
  const loose = sources.map(({ path }) => path).filter((path) => !path.includes("/"));
  assertEquals(
    loose.filter((path) =>
      !/^(tf|tf_op|tf_device|tf_adapter|tf_mends|rng|paths|task_arguments|readme)(_test|_bench)?\.ts$/
        .test(path)
    ),
    [],
  );
});

Deno.test("rooms: a room imports rooms on lower floors, a folder those before it", () => {
  assertEquals(wrongArrows(sources), []);
});

Deno.test("rooms: each folder has its place in the room's order, and is not crowded", () => {
  const places = Object.entries(folders)
    .flatMap(([room, names]) => names.filter(Boolean).map((name) => `${room}/${name}`));
  const files = Map.groupBy(
    sources.map(({ path }) => path).filter((path) => path.includes("/") && !isTest(path)),
    (path) => dirname(path),
  );
  const inRooms = [...files.keys()].filter((folder) => folder.includes("/"));
  assertEquals(inRooms.filter((folder) => !/\/golden$/.test(folder)).sort(), places.sort());
  assertEquals(
    [...files].filter(([, paths]) => paths.length > crowd).map(([folder]) => folder),
    [],
  );
});

Deno.test("rooms: a type's name means one thing, a file's name no more than two", () => {
  assertEquals(repeatedTypes(sources), []);
  assertEquals(crowdedNames(sources), []);
});

Deno.test("rooms: no circular imports", () => {
  assertEquals(findCircle(sources), []);
});

Deno.test("rooms: a test that asks for WebGPU's adapter has loaded TensorFlow, which else may crash", () => {
  const asking = sources.filter(({ path, imports }) =>
    isTest(path) && imports.includes("tf_adapter.ts")
  );
  assertTrue(asking.length > 0, "there are such tests");
  assertEquals(asking.filter(({ imports }) => !imports.includes("tf.ts")), []);
});

Deno.test("rooms: randomness comes from rng.ts only", () => {
  const drawing = sources.filter(({ code }) => /\bMath\.random\b/.test(code));
  assertEquals(drawing.map(({ path }) => path), []);
});

Deno.test("rooms: only report touches the kernel's display", () => {
  const touching = sources.filter(({ path, code }) =>
    /\bDeno\.jupyter\b/.test(code) && roomOf(path) !== "report" && !isTest(path)
  );
  assertEquals(touching.map(({ path }) => path), []);
});

Deno.test("rooms: the checks see an arrow up, a sideways one, and testing in shipped code", () => {
  const wrong = [
    source("nn/a.ts", 'import { x } from "lib/train/x.ts";'),
    source("native/b.ts", 'export * from "../augment/x.ts";'),
    source("eval/c.ts", 'const x = await import("lib/testing/assert.ts");'),
    source("train/d.ts", 'import "lib/setup/setup.ts";'),
    source("nn/e.ts", 'import type {\n  X,\n} from "lib/ssl/x.ts";'),
  ];
  wrong.push(source("report/draw/f.ts", 'import { x } from "lib/report/save/x.ts";'));
  wrong.push(source("ssl/views/g.ts", 'import { x } from "lib/ssl/train.ts";'));
  assertEquals(wrongArrows(wrong).length, wrong.length);
  const right = [
    source("ssl/a.ts", '// import { x } from "lib/report/x.ts"\nimport { y } from "lib/nn/y.ts";'),
    source("ssl/a_test.ts", 'import { assertEquals } from "lib/testing/assert.ts";'),
    source(
      "report/save/b.ts",
      'import { y } from "../draw/c.ts"; import * as tf from "lib/tf.ts";',
    ),
    source("ssl/mod.ts", 'import { x } from "lib/ssl/views/x.ts";'),
  ];
  assertEquals(wrongArrows(right), []);
});

Deno.test("rooms: the checks see a circle", () => {
  const circle = ["a", "b", "c"].map((name, i, all) =>
    source(`nn/${name}.ts`, `import "./${all[(i + 1) % 3]}.ts";`)
  );
  assertEquals(findCircle(circle), ["nn/a.ts", "nn/b.ts", "nn/c.ts", "nn/a.ts"]);
});

Deno.test("rooms: the checks see a type's name given twice, and a file's name three times", () => {
  const twice = [
    source("nn/a.ts", 'export interface Box {}\nexport type { Box2 } from "./b.ts";'),
    source("nn/b.ts", "export type Box2 = string;\ninterface Inner {}"),
    source("eval/a.ts", "export type Box = number;\ninterface Inner {}"),
  ];
  assertEquals(repeatedTypes(twice), ["Box: nn/a.ts, eval/a.ts"]);
  assertEquals(repeatedTypes(twice.slice(0, 2)), []);
  assertEquals(crowdedNames(twice), []);
  assertEquals(crowdedNames([...twice, source("ssl/a.ts", "")]), ["a.ts"]);
});
