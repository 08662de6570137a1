/**
 * Damaged files, thousands of them: each is a clear error or a load; never a hang, a crash or much
 * memory.
 */
import { join } from "@std/path";
import { createRng, type Rng } from "lib/rng.ts";
import { parseTorchArchive } from "./pytorch_file.ts";
import { parseWeights } from "./read_weights.ts";
import type { SavedArray } from "./saved_array.ts";
import { maxGrowth, weightsFile } from "./weights_file.ts";
import { unzip } from "./zip.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

type Bytes = Uint8Array<ArrayBuffer>;
type Arrays = ReadonlyMap<string, SavedArray>;

/**
 * Each file with the number of bytes at its end that are raw values under no checksum. A ZIP
 * archive has one for every byte that matters: what loads is what was saved.
 */
const files: Readonly<Record<string, number>> = {
  "state.safetensors": 472,
  "state.pth": 0,
  "state_protocol4.pth": 0,
  "state_legacy.pth": 528,
  "checkpoint.pth": 0,
  "checkpoint_legacy.pth": 1372,
  "arrays.npz": 0,
  "arrays_compressed.npz": 0,
  "version1.npy": 192,
  "others_protocol2.pth": 0,
  "others_protocol5.pth": 0,
  "others_legacy.pth": 644,
  "module.pth": 0,
};
const timesEach = 2000; // of each file

/**
 * A changed copy: bits or bytes changed, cut off, inserted, a piece repeated, moved or taken out.
 */
function mutate(bytes: Bytes, rng: Rng): Bytes {
  const at = rng.int(bytes.length);
  const end = Math.min(bytes.length, at + 1 + rng.int(64));
  const [before, piece, after] = [bytes.slice(0, at), bytes.slice(at, end), bytes.slice(end)];
  switch (rng.int(7)) {
    case 0:
      return changed(bytes, rng, (byte) => byte ^ 1 << rng.int(8));
    case 1:
      return changed(bytes, rng, () => rng.int(256));
    case 2:
      return before;
    case 3:
      return joined(before, piece.map(() => rng.int(256)), piece, after);
    case 4:
      return joined(before, piece, piece, after);
    case 5:
      return joined(before, after);
    default: {
      const copy = bytes.slice();
      copy.set(piece, rng.int(bytes.length - piece.length + 1));
      return copy;
    }
  }
}

/** Changes one byte, or up to four. */
function changed(bytes: Bytes, rng: Rng, change: (byte: number) => number): Bytes {
  const copy = bytes.slice();
  for (let left = rng.bernoulli(0.5) ? 1 : 4; left > 0; left--) {
    const at = rng.int(copy.length);
    copy[at] = change(copy[at]!);
  }
  return copy;
}

function joined(...parts: Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** What loads, and the memory that was claimed for it; an error that is not one of ours fails. */
async function load(name: string, bytes: Bytes): Promise<Arrays | undefined> {
  const file = weightsFile(name, bytes);
  let claimed = 0;
  const claim = (more: number, what: string) => {
    file.claim(more, what);
    claimed += more;
  };
  let arrays: Arrays | undefined;
  try {
    ({ arrays } = await parseWeights({ ...file, claim }));
  } catch (error) {
    const { message, constructor } = error as Error;
    const isOurs = constructor === Error &&
      message.startsWith(`Cannot read weights from ${name}: `);
    if (!isOurs) throw new Error(`not an error of the reader's: ${error}`, { cause: error });
  }
  const got = [...arrays?.values() ?? []].reduce((sum, { values }) => sum + values.byteLength, 0);
  assertTrue(got <= claimed, `${got} bytes of values, but ${claimed} were claimed`);
  assertTrue(claimed <= maxGrowth * bytes.length, `${claimed} bytes claimed of ${bytes.length}`);
  return arrays;
}

const bitsOf = ({ values }: SavedArray) =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/**
 * Whether arrays of the same name and shape have the same values; what has another name,
 * `loadWeights` reports.
 */
function sameValues(original: Arrays, arrays: Arrays): boolean {
  return [...original].every(([name, array]) => {
    const other = arrays.get(name);
    if (String(other?.shape) !== String(array.shape)) return true;
    const bits = bitsOf(other!);
    return bitsOf(array).every((byte, i) => byte === bits[i]);
  });
}

for (const [name, rawBytes] of Object.entries(files)) {
  Deno.test(`${timesEach} mutations of ${name}: an error that names it, or the same values`, async () => {
    const good = Deno.readFileSync(join(import.meta.dirname!, "golden", name));
    const original = (await load(name, good))!;
    // A NumPy array lies in the pickle itself, which the old format keeps no checksum of.
    const inPickle = name.endsWith("_legacy.pth") ? /^rng\./ : /^$/;
    const checked = new Map([...original].filter(([key]) => !inPickle.test(key)));
    const rawOf = (bytes: Bytes) => String(bytes.slice(bytes.length - rawBytes));
    const streams = createRng(0).fork(name);
    let [loads, errors] = [0, 0];
    for (let i = 0; i < timesEach; i++) {
      const bad = mutate(good, streams.fork(i));
      const arrays = await load(name, bad);
      if (arrays) loads++;
      else errors++;
      if (!arrays || (rawBytes > 0 && rawOf(bad) !== rawOf(good))) continue;
      assertTrue(sameValues(checked, arrays), `mutation ${i} changed values`);
      if (rawBytes === 0) assertEquals([...arrays.keys()], [...original.keys()]);
    }
    assertTrue(errors > timesEach / 2 && loads > 0, `${errors} errors, ${loads} loads`);
  });
}

for (
  const name of [
    "others_protocol1.pth",
    "others_protocol2.pth",
    "others_protocol5.pth",
    "module.pth",
  ]
) {
  Deno.test(`${timesEach} mutations of the pickle in ${name}, past its checksum: an error of ours, or a load`, async () => {
    const good = weightsFile(name, Deno.readFileSync(join(import.meta.dirname!, "golden", name)));
    const members = await unzip(good);
    const pickle = [...members.keys()].find((path) => path.endsWith("/data.pkl"))!;
    const streams = createRng(0).fork(`pickle of ${name}`);
    let errors = 0;
    for (let i = 0; i < timesEach; i++) {
      const bad = mutate(members.get(pickle)!.slice(), streams.fork(i));
      const file = weightsFile(name, good.bytes);
      try {
        parseTorchArchive(file, new Map([...members, [pickle, bad]]));
      } catch (error) {
        errors++;
        const { message, constructor } = error as Error;
        const isOurs = constructor === Error &&
          message.startsWith(`Cannot read weights from ${name}: `);
        assertTrue(isOurs, `mutation ${i}: ${error}`);
      }
    }
    assertTrue(errors > timesEach / 4 && errors < timesEach, `${errors} errors`);
  });
}
