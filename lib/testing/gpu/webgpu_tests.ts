/**
 * What `deno task test --engine webgpu` loads before each module of tests: it makes WebGPU the
 * engine, answers a test's reads at once, and skips the tests that are listed in
 * lib/testing/gpu/skips.ts, each with its reason behind its name.
 */
import process from "node:process";
import { projectFolder } from "lib/paths.ts";
import { quietDrivers } from "lib/tf_device.ts";
import { type Skips, skips } from "./skips.ts";
import { RemoteBuffer, remoteGpu } from "./remote_device.ts";

process.env.BCSSL_ENGINE = "webgpu";
quietDrivers();
Object.defineProperty(navigator, "gpu", { value: remoteGpu() });
Object.assign(globalThis, { GPUBuffer: RemoteBuffer });
const tf = await import("lib/tf.ts"); // it asks for the adapter as it loads

/** The files that are running, innermost first; those of the project as paths below it. */
function callers(): string[] {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 100;
  const { stack } = new Error();
  Error.stackTraceLimit = limit;
  const paths = [...stack!.matchAll(/file:\/\/(\S+?\.ts):\d+/g)].map(([, path]) =>
    decodeURI(path!)
  );
  return paths.map((path) => path.replace(`${projectFolder}/`, "")).filter((path) =>
    !own.has(path)
  );
}

/** Files through which a read passes on its way: this one, the engine, and the counter of reads. */
const own: ReadonlySet<string> = new Set([
  "lib/testing/gpu/webgpu_tests.ts",
  "lib/testing/leaks.ts",
  "lib/tf.ts",
]);

/**
 * Files with functions that only a CPU calls, since they read at once, and that have a twin for GPUs
 * beside them. A test that calls one by name gets its reads answered, so that what it computes is
 * tested on WebGPU too.
 */
const waysOfCpu: ReadonlySet<string> = new Set([
  "lib/train/reading.ts", // readNow
  "lib/train/clip.ts", // clipScales
  "lib/train/finite.ts", // firstNonFinite
  "lib/detect/network/proposals.ts", // selectProposals
  "lib/ssl/swav/queue.ts", // isFull
]);

const { test } = Deno;
/** The names of the tests that a file has registered, for files with a list. */
const registered = new Map<string, Set<string>>();

answerTests();
Object.defineProperty(Deno, "test", {
  get: () => testOf(callers().find((path) => path.endsWith("_test.ts")) ?? ""),
});

/** The part of tfjs's WebGPU backend that is used here. */
interface Backend {
  readonly tensorMap: {
    has(id: object): boolean;
    get(id: object): {
      values?: unknown;
      readonly resource?: RemoteBuffer;
      readonly dtype: "float32" | "int32" | "bool";
    };
  };
  readonly commandEncoder: object | null;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

/**
 * Makes `dataSync` and `arraySync` wait for the GPU's process if a test calls them, or a function of
 * {@linkcode waysOfCpu}. What else the program reads at once is refused, as where no such process is. So are reads at once among
 * tfjs's kernels, which do not come through here.
 */
function answerTests(): void {
  const backend = tf.backend() as unknown as Backend;
  const engine = tf.tfjsEngine();
  const readSync = engine.readSync;
  engine.readSync = (id) => {
    if (!backend.tensorMap.has(id)) return readSync.call(engine, id); // another backend's
    const data = backend.tensorMap.get(id);
    const [reader = ""] = data.values == null && data.resource ? callers() : [];
    if (/_test\.ts$|^lib\/testing\//.test(reader) || waysOfCpu.has(reader)) {
      backend.endComputePassEncoder();
      if (backend.commandEncoder) backend.submitQueue();
      const bytes = data.resource!.readNow();
      data.values = tf.util.convertBackendValuesAndArrayBuffer(bytes, data.dtype);
    }
    return readSync.call(engine, id);
  };
}

/**
 * `Deno.test` for the file that asks for it: Deno's own, which says where a test stands, unless
 * tests of the file are listed.
 */
function testOf(file: string): typeof Deno.test {
  const listed = skips[file];
  if (listed === undefined) return test;
  const named = registered.get(file) ?? new Set();
  if (!registered.has(file)) checkList(file, listed, named);
  registered.set(file, named);
  const register = (...all: Parameters<typeof Deno.test>) => {
    const { name, ignored } = describe(all);
    named.add(name);
    const reason = listed.all ?? listed.tests?.[name] ?? (ignored ? listed.own : undefined);
    if (reason === undefined) test(...all);
    else test.ignore(`${name} (not on WebGPU: ${reason})`, () => {});
  };
  return Object.assign(register, test) as typeof Deno.test;
}

/** Fails if a name in the list is the name of no test. */
function checkList(file: string, { tests = {} }: Skips, named: ReadonlySet<string>): void {
  const names = Object.keys(tests);
  if (names.length === 0) return;
  test(`${file}: each test in the list of those that WebGPU skips is there`, () => {
    const gone = names.filter((name) => !named.has(name));
    if (gone.length > 0) throw new Error(`not in ${file}: ${gone.join("; ")}`);
  });
}

/**
 * What `Deno.test` is called with: the name may be an argument, a field of the options, or the
 * function's.
 */
function describe(args: readonly unknown[]): { readonly name: string; readonly ignored: boolean } {
  const options = args.filter((it) => typeof it !== "string") as Partial<Deno.TestDefinition>[];
  const name = args.find((it) => typeof it === "string") ?? options.find((it) => it.name)?.name;
  return { name: name as string, ignored: options.some(({ ignore }) => ignore === true) };
}
