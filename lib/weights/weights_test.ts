import { join } from "@std/path";
import * as tf from "lib/tf.ts";
import { createRng } from "lib/rng.ts";
import { createConv2d, createDepthwiseConv2d } from "lib/nn/conv.ts";
import { createLinear } from "lib/nn/linear.ts";
import { createBatchNorm } from "lib/nn/norms.ts";
import { namedVariables } from "lib/nn/parameters.ts";
import { readWeights } from "./read_weights.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { findNames } from "./weight_names.ts";
import { loadWeights, saveWeights } from "./weights.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";

const golden = (name: string) => join(import.meta.dirname!, "golden", name);

/** The network of the golden checkpoint. */
function network(seed = 0, outDim = 2) {
  const rng = createRng(seed);
  const conv = createConv2d(3, 3, 4, rng.fork("0"));
  return { params: [conv, createBatchNorm(4), null, createLinear(4, outDim, rng.fork("3"))] };
}

const values = ({ params }: { params: object }) =>
  new Map([...namedVariables(params)].map(([name, v]) => [name, v.dataSync().slice()]));

async function inFolder(run: (path: string) => void | Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync();
  try {
    await run(`${folder}/x.safetensors`);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

// ---------------------------------------------------------------- order of axes

Deno.test("saveWeights() writes each kind of layer in PyTorch's order of axes", () =>
  inFolder(async (path) => {
    const rng = createRng(1);
    const params = {
      conv: createConv2d([2, 3], 4, 5, rng),
      dwconv: createDepthwiseConv2d([3, 5], 4, rng),
      linear: createLinear(4, 5, rng),
      bn: createBatchNorm(4),
    };
    await saveWeights({ params }, path, { metadata: { arch: "test" } });
    const { arrays, metadata } = readSafetensors(path);
    assertEquals(metadata, { format: "pt", arch: "test" });
    assertEquals([...arrays.keys()], [...namedVariables(params).keys()]);
    const conv = params.conv.weight.arraySync();
    assertEquals(arrays.get("conv.weight")!.shape, [5, 4, 2, 3]);
    const [o, i, y, x] = [3, 1, 1, 2];
    assertEquals(
      arrays.get("conv.weight")!.values[((o * 4 + i) * 2 + y) * 3 + x],
      conv[y]![x]![i]![o],
    );
    const dwconv = params.dwconv.weight.arraySync();
    assertEquals(arrays.get("dwconv.weight")!.shape, [4, 1, 3, 5]);
    assertEquals(arrays.get("dwconv.weight")!.values[(2 * 3 + 1) * 5 + 4], dwconv[1]![4]![2]![0]);
    const linear = params.linear.weight.arraySync();
    assertEquals(arrays.get("linear.weight")!.shape, [5, 4]);
    assertEquals(arrays.get("linear.weight")!.values[3 * 4 + 1], linear[1]![3]);
    assertEquals(arrays.get("bn.running_var")!.shape, [4]);
  }));

Deno.test("loadWeights() reads what saveWeights() wrote, to the last bit", () =>
  inFolder(async (path) => {
    const [from, to] = [network(1), network(2)];
    await saveWeights(from, path);
    const report = await loadWeights(to, path);
    assertEquals(values(to), values(from));
    assertEquals([...report.loaded], [...values(to).keys()]);
  }));

// ---------------------------------------------------------------- checkpoints

for (const name of ["checkpoint.pth", "checkpoint_legacy.pth"]) {
  Deno.test(`loadWeights() takes the teacher of ${name}, or whom it is asked for`, async () => {
    const { arrays: file } = await readWeights(golden(name));
    for (
      const [key, prefix] of [[undefined, "teacher."], ["student", "student.module."]] as const
    ) {
      const target = network();
      const report = await loadWeights(target, golden(name), { key });
      assertEquals(report.prefix, `${prefix}backbone.`);
      assertEquals([...report.missing, ...report.unexpected, ...report.misshapen], []);
      const own = values(target);
      const { values: conv } = file.get(`${prefix}backbone.0.weight`)!; // [4, 3, 3, 3]
      const [o, i, y, x] = [2, 1, 0, 2];
      assertEquals(
        own.get("0.weight")![((y * 3 + x) * 3 + i) * 4 + o],
        conv[((o * 3 + i) * 3 + y) * 3 + x],
      );
      const { values: linear } = file.get(`${prefix}backbone.3.weight`)!; // [2, 4]
      assertEquals(own.get("3.weight")![3 * 2 + 1], linear[1 * 4 + 3]);
      assertEquals(own.get("1.running_var"), file.get(`${prefix}backbone.1.running_var`)!.values);
    }
  });
}

Deno.test("loadWeights() says what a checkpoint has instead of the key asked for", async () => {
  const load = () => loadWeights(network(), golden("checkpoint.pth"), { key: "ema" });
  await assertRejects(load, Error, 'no "ema", it has student, teacher, optimizer, dino_loss');
});

Deno.test("loadWeights() lists what is missing, unexpected and misshapen, and changes nothing", () =>
  inFolder(async (path) => {
    const { params } = network(1, 3); // three outputs there, two here
    const extra = { extra: createLinear(1, 1, createRng(0)) };
    await saveWeights(
      { params: [...params.slice(0, 1), null, null, ...params.slice(3), extra] },
      path,
    );
    const target = network(2);
    const before = values(target);
    await assertRejects(
      () => loadWeights(target, path),
      Error,
      `${path}: 4 missing (1.weight, 1.bias, 1.running_mean, 1.running_var), ` +
        "2 unexpected (4.extra.weight, 4.extra.bias), " +
        "2 misshapen (3.weight is [3, 4] there and [2, 4] here, 3.bias is [3] there and [2] here); " +
        "{ strict: false } takes the other 2",
    );
    assertEquals(values(target), before);
    const report = await loadWeights(target, path, { strict: false });
    assertEquals(report, {
      prefix: "",
      loaded: ["0.weight", "0.bias"],
      missing: ["1.weight", "1.bias", "1.running_mean", "1.running_var"],
      unexpected: ["4.extra.weight", "4.extra.bias"],
      misshapen: [
        { name: "3.weight", there: [3, 4], here: [2, 4] },
        { name: "3.bias", there: [3], here: [2] },
      ],
      leftOut: [],
    });
    assertEquals(values(target).get("0.weight"), values({ params }).get("0.weight"));
    assertEquals(values(target).get("3.weight"), before.get("3.weight"));
  }));

Deno.test("loadWeights() refuses a file of another network even when not strict, and lists eight names", async () => {
  const load = () => loadWeights(network(), golden("state.pth"), { strict: false });
  await assertRejects(load, Error, "no weight fits");
  const listed =
    "19 unexpected (layers.0.weight, layers.0.bias, bfloat, double, long, int, byte, bool";
  await assertRejects(load, Error, `${listed} and 11 more)`);
});

Deno.test("loadWeights() renames by the target's own rule", () =>
  inFolder(async (path) => {
    const from = network(1);
    const renamed = [...values(from)].map(([name]) => [`other_${name}`, name] as const);
    await saveWeights(from, path);
    const { arrays } = readSafetensors(path);
    writeSafetensors(path, {
      arrays: new Map(renamed.map(([other, name]) => [`module.${other}`, arrays.get(name)!])),
      metadata: {},
    });
    const officialNames = (names: readonly string[]) =>
      new Map(names.map((name) => [name, name.replace("other_", "")]));
    const target = { ...network(2), officialNames };
    assertEquals((await loadWeights(target, path)).prefix, "module.");
    assertEquals(values(target), values(from));
  }));

Deno.test("loadWeights() reads what stands beside anything, and says once what it left out", async () => {
  for (const name of ["others_protocol1.pth", "others_legacy.pth"]) {
    const target = network();
    const report = await loadWeights(target, golden(name));
    assertEquals([report.prefix, report.loaded.length], ["state_dict.module.", 8]);
    for (const what of ["collections.deque", "__main__.Progress", "posix.system"]) {
      assertTrue(report.leftOut.includes(what), `${what} in ${report.leftOut}`);
    }
    const { arrays } = await readWeights(golden(name));
    assertEquals(
      values(target).get("1.running_var"),
      arrays.get("state_dict.module.1.running_var")!.values,
    );
  }
});

Deno.test("loadWeights() refuses an array that it cannot read only where the network needs it", async () => {
  const variable = (size: number) => tf.variable(tf.zeros([size]));
  const load = (name: string, params: object) =>
    loadWeights({ params }, golden(name), { strict: false });
  const complex = 'its weight "a" cannot be read: it is a tensor of type ComplexFloat';
  await assertRejects(() => load("complex.pth", { a: variable(2) }), Error, complex);
  const sparse = { unreadable: { sparse: variable(2) } };
  const others = "others_protocol2.pth";
  await assertRejects(() => load(others, sparse), Error, "cannot be read: it is a sparse tensor");
  const readable = { int8: variable(2) };
  const { prefix } = await load(others, {
    model: readable,
    arrays: { scalar: tf.variable(tf.scalar(0)) },
  });
  assertEquals([prefix, [...readable.int8.dataSync()]], ["", [-128, 127]]);
});

Deno.test("loadWeights() reads a linear layer that was saved as a 1×1 convolution, as timm's small ConvNeXts are", () =>
  inFolder(async (path) => {
    const [from, to] = [network(1), network(2)];
    await saveWeights(from, path);
    const arrays = new Map(readSafetensors(path).arrays);
    const { shape, values: weight } = arrays.get("3.weight")!;
    arrays.set("3.weight", { shape: [...shape, 1, 1], values: weight });
    writeSafetensors(path, { arrays, metadata: {} });
    assertEquals((await loadWeights(to, path)).misshapen, []);
    assertEquals(values(to), values(from));
  }));

Deno.test("loadWeights() reads a checkpoint in two files, and says so of one of them", async () => {
  const target = network();
  assertEquals((await loadWeights(target, golden("sharded"))).loaded.length, 8);
  const part = golden("sharded/model-00001-of-00002.safetensors");
  await assertRejects(
    () => loadWeights(target, part),
    Error,
    "it is one of several files: give the .index.json beside it, or their folder",
  );
});

Deno.test("loadWeights() reads a module that was saved whole", async () => {
  const linear = createLinear(3, 2, createRng(0));
  const params = { layers: [linear, createBatchNorm(2)], mean: tf.variable(tf.zeros([1])) };
  for (const name of ["module.pth", "module_in_module.pth"]) {
    const { loaded, leftOut } = await loadWeights({ params }, golden(name));
    assertEquals([loaded.length, leftOut], [7, []]);
  }
});

Deno.test("loadWeights() and saveWeights() keep no tensor", () =>
  inFolder(async (path) => {
    const target = network();
    const before = tf.memory().numTensors;
    await saveWeights(target, path);
    await loadWeights(target, path);
    assertEquals(tf.memory().numTensors, before);
  }));

// ---------------------------------------------------------------- names

const wanted = ["stem.weight", "blocks.0.weight", "head.weight"];
const under = (prefix: string) => wanted.map((name) => prefix + name);
const prefixes: Readonly<Record<string, readonly [names: readonly string[], prefix: string]>> = {
  "as they are": [wanted, ""],
  "of DistributedDataParallel": [under("module."), "module."],
  "of a state dict": [under("state_dict."), "state_dict."],
  "of a compiled model in a dictionary": [under("model._orig_mod."), "model._orig_mod."],
  "of MoCo's encoder": [under("state_dict.module.encoder."), "state_dict.module.encoder."],
  "of the teacher, before the student's": [
    [...under("student.module.backbone."), ...under("teacher.backbone.")],
    "teacher.backbone.",
  ],
  "of the student, if only that has them all": [
    [...under("student."), ...under("teacher.").slice(1)],
    "student.",
  ],
  "of Lightning": [under("state_dict.model.backbone."), "state_dict.model.backbone."],
  "of lightly's teacher": [
    [...under("state_dict.student_backbone."), ...under("state_dict.teacher_backbone.")],
    "state_dict.teacher_backbone.",
  ],
  "of VISSL": [
    under("classy_state_dict.base_model.model.trunk._feature_blocks."),
    "classy_state_dict.base_model.model.trunk._feature_blocks.",
  ],
  "of MMSelfSup, beside a neck": [
    [...under("state_dict.backbone."), "state_dict.neck.fc0.weight", "meta.epoch"],
    "state_dict.backbone.",
  ],
  "in a dictionary of any name": [under("ema_weights."), "ema_weights."],
  "beside others that happen to have a wrapper's name": [
    [...wanted, "encoder.stem.weight"],
    "",
  ],
};

for (const [whose, [names, prefix]] of Object.entries(prefixes)) {
  Deno.test(`findNames() finds the names ${whose}`, () => {
    const found = findNames(names, new Set(wanted), undefined, undefined, Error);
    assertEquals([found.prefix, [...found.names]], [
      prefix,
      wanted.map((name) => [name, [prefix + name]]),
    ]);
  });
}

const several: Readonly<Record<string, readonly string[]>> = {
  "timm's running average": ["state_dict", "state_dict_ema"],
  "ConvNeXt's running average": ["model", "model_ema"],
  "MoCo's two encoders": ["state_dict.module.encoder_k", "state_dict.module.encoder_q"],
  "solo-learn's momentum": ["state_dict.backbone", "state_dict.momentum_backbone"],
  "BYOL's networks": ["online_network", "target_network"],
};

for (const [what, keys] of Object.entries(several)) {
  Deno.test(`findNames() refuses to choose between weights and ${what}, and takes the one that is named`, () => {
    const names = keys.flatMap((key) => under(`${key}.`));
    const find = (key?: string) => findNames(names, new Set(wanted), undefined, key, Error);
    const said = `under "${keys.join('", "')}"; say which with { key: "${keys[0]}" }`;
    assertThrows(() => find(), Error, said);
    for (const key of keys) assertEquals(find(key).prefix, `${key}.`);
  });
}

Deno.test("findNames() joins equal parts, and does not take a weight of which one is missing", () => {
  const official = (names: readonly string[]) =>
    new Map(
      names.map((
        name,
      ) => [name, name.replace(/^([qk])$/, (part) => `qk[${"qk".indexOf(part)}:2]`)]),
    );
  const find = (names: string[]) => findNames(names, new Set(["qk"]), official, undefined, Error);
  assertEquals([...find(["k", "q"]).names], [["qk", ["q", "k"]]]);
  assertEquals(find(["k"]).names.size, 0);
});

Deno.test("findNames() passes over buffers that are recomputed, and no others", () => {
  const buffers = ["bn.num_batches_tracked", "attn.relative_position_index", "blocks.1.attn_mask"];
  const names = [...wanted, ...buffers, "bn.running_mean", "my_attn_mask"];
  const found = findNames(names, new Set(wanted), undefined, undefined, Error);
  assertEquals(found.unexpected, ["bn.running_mean", "my_attn_mask"]);
});

Deno.test("findNames() leaves a wrapper's name alone where the network itself has it", () => {
  const own = new Set(["teacher.weight", "student.weight"]);
  const found = findNames([...own], own, undefined, undefined, Error);
  assertEquals([found.prefix, found.names.size], ["", 2]);
  assertTrue(found.unexpected.length === 0, "nothing else");
  assertThrows(() => findNames([...own], own, undefined, "model", Error), Error, 'no "model"');
});
