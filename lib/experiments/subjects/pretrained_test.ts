import { createRng } from "lib/rng.ts";
import { createModel } from "lib/models/mod.ts";
import { disposeTree, namedVariables } from "lib/nn/parameters.ts";
import { saveWeights } from "lib/weights/weights.ts";
import { checkFile, partialPath } from "lib/datasets/files/download.ts";
import { loadEntry, pretrained } from "./pretrained.ts";
import {
  pretrainedCatalogue,
  type PretrainedEntry,
  type PretrainedName,
} from "./pretrained_catalogue.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const config = {
  arch: "convnext",
  depths: [1, 1],
  dims: [4, 6],
  kernelSize: 3,
  batchNorm: false,
  dwconvBias: true,
  patchSize: 2,
  dropPathRate: 0,
  layerScaleInit: 0.1,
} as const;
const original = createModel(config, createRng(1), { numClasses: 3 });
const quiet = { onProgress: () => {} };

/**
 * Runs a test with an entry whose file is served locally, the number of its requests, and a folder
 * for it.
 */
async function withEntry(
  run: (entry: PretrainedEntry, folder: string, requests: string[]) => Promise<void>,
  weights: { readonly params: object } = original,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const served = `${folder}/served`;
  await saveWeights(weights, served);
  const requests: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    requests.push(request.url);
    return new Response(Deno.readFileSync(served));
  });
  const entry = {
    url: `http://127.0.0.1:${server.addr.port}/tiny.pth`,
    file: "tiny.pth",
    bytes: Deno.statSync(served).size,
    digest: { algorithm: "sha256", hex: (await checkFile(served, {})).slice(0, 8) },
    licence: "MIT",
    config,
    numClasses: 3,
  } as const;
  try {
    await run(entry, `${folder}/weights`, requests);
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("loadEntry() downloads once, and gives a network with the very weights", () =>
  withEntry(async (entry, folder, requests) => {
    for (let i = 0; i < 2; i++) {
      const { model, path, report } = await loadEntry(entry, { folder, ...quiet });
      assertEquals(path, `${folder}/tiny.pth`);
      const weights = namedVariables(original.params);
      assertEquals(report.loaded, [...weights.keys()]);
      for (const [name, variable] of namedVariables(model.params)) {
        assertEquals(variable.dataSync(), weights.get(name)!.dataSync());
      }
      disposeTree(model.params);
    }
    assertEquals(requests.length, 1);
    const note = await Deno.readTextFile(`${folder}/tiny.pth.sha256`);
    assertEquals(note, `${await checkFile(`${folder}/tiny.pth`, {})}  tiny.pth\n`);
  }));

Deno.test("loadEntry() takes a file that was put there by hand, if it is the one", () =>
  withEntry(async (entry, folder, requests) => {
    await Deno.mkdir(folder);
    const path = `${folder}/tiny.pth`;
    await Deno.writeTextFile(path, "not these");
    await assertRejects(
      () => loadEntry(entry, { folder }),
      Error,
      `Cannot use ${path}: tiny.pth has 9 bytes, published are ${entry.bytes}; delete it and call again, or put ${entry.url} there`,
    );
    await Deno.remove(path);
    await saveWeights(original, path);
    (await loadEntry(entry, { folder })).model;
    assertEquals(requests, []);
  }));

Deno.test("loadEntry() refuses a file that has changed since it was first read, published digest or not", () =>
  withEntry(async (entry, folder) => {
    const unknown = { ...entry, bytes: null, digest: null };
    await loadEntry(unknown, { folder, ...quiet });
    await saveWeights(createModel(config, createRng(2), { numClasses: 3 }), `${folder}/tiny.pth`);
    const load = () => loadEntry(unknown, { folder });
    await assertRejects(load, Error, "not the file that tiny.pth.sha256 is of; delete both");
  }));

Deno.test("loadEntry() says where to put a file that it cannot get, and keeps what has arrived", () =>
  withEntry(async (entry, folder) => {
    const url = "http://127.0.0.1:1/tiny.pth";
    await Deno.mkdir(folder);
    await Deno.writeTextFile(partialPath(`${folder}/tiny.pth`), "a beginning");
    const load = () => loadEntry({ ...entry, url }, { folder, ...quiet });
    await assertRejects(load, Error, `Cannot download ${url} (`);
    await assertRejects(load, Error, `put it at ${folder}/tiny.pth`);
    assertEquals(await Deno.readTextFile(partialPath(`${folder}/tiny.pth`)), "a beginning");
  }));

Deno.test("loadEntry() wants every weight, and nothing else but what the catalogue says is beside them", () => {
  const { head: _, ...backbone } = original.params as Record<string, object>;
  return withEntry(async (entry, folder) => {
    await assertRejects(
      () => loadEntry(entry, { folder, ...quiet }),
      Error,
      "head.weight, head.bias",
    );
    await loadEntry({ ...entry, numClasses: 0 }, { folder });
  }, { params: backbone });
});

Deno.test("loadEntry() lets only the names beside the weights pass", () =>
  withEntry(async (entry, folder) => {
    const headless = { ...entry, numClasses: 0 };
    await assertRejects(
      () => loadEntry(headless, { folder, ...quiet }),
      Error,
      "head.weight, head.bias",
    );
    const { report } = await loadEntry({ ...headless, beside: /^head\./ }, { folder });
    assertEquals(report.unexpected, ["head.weight", "head.bias"]);
  }));

Deno.test("pretrained() refuses an unknown name, and gives those there are", async () => {
  const name = "facebookresearch/dino_vits17" as PretrainedName;
  await assertRejects(() => pretrained(name), RangeError, "facebookresearch/dino_vits16, ");
});

Deno.test("the catalogue's files have names of their own, safe addresses and possible digests", () => {
  const entries: readonly PretrainedEntry[] = Object.values(pretrainedCatalogue);
  assertEquals(new Set(entries.map(({ file }) => file)).size, entries.length);
  assertEquals(new Set(entries.map(({ url }) => url)).size, entries.length);
  const digits = { sha256: 64, sha384: 96, md5: 32 };
  for (const { url, file, digest } of entries) {
    assertTrue(/^https:\/\/[\w./-]+\.pth$/.test(url), url);
    assertTrue(/^[\w-]+\.pth$/.test(file), file);
    if (!digest) continue;
    const { algorithm, hex } = digest;
    assertTrue(/^[0-9a-f]+$/.test(hex) && hex.length <= digits[algorithm], `${file} ${hex}`);
  }
});
