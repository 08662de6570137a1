/**
 * PyTorch's `.pth` and `.pt`: what `torch.save` writes, as a ZIP archive or, before 1.6, as pickles followed by raw
 * numbers. Nothing in the file is executed.
 */
import { type PickleSource, unpickle } from "lib/weights/pickle.ts";
import { readTensor, storageBytes, TensorView, TorchRules } from "lib/weights/pytorch_tensors.ts";
import { isCount, type SavedArray } from "lib/weights/saved_array.ts";
import type { WeightsFile } from "lib/weights/weights_file.ts";

const maxDepth = 64; // of dictionaries in dictionaries
const maxNameLength = 1000;

/**
 * Reads an unpacked archive.
 *
 * @param members Its files by their paths.
 * @returns The tensors under their dotted paths: `model.head.weight` of `{ "model": { "head.weight": … } }`.
 * @throws {Error} If it is not `torch.save`'s, was written on a big-endian machine, or asks for anything but data.
 */
export function parseTorchArchive(
  file: WeightsFile,
  members: ReadonlyMap<string, Uint8Array>,
): Map<string, SavedArray> {
  const pickleName = [...members.keys()].find((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickleName === undefined) throw file.refuse("it is an archive without a data.pkl");
  const folder = pickleName.slice(0, -"data.pkl".length);
  const byteOrder = members.get(`${folder}byteorder`);
  if (byteOrder && new TextDecoder().decode(byteOrder) !== "little") {
    throw file.refuse("it was written by a big-endian machine");
  }
  const source: PickleSource = { bytes: members.get(pickleName)!, refuse: file.refuse };
  const rules = new TorchRules(file.refuse, true);
  const { value } = unpickle(source, rules);
  const storages = new Map<string, Uint8Array>();
  for (const storage of rules.storages.values()) {
    const { key, length, type } = storage;
    const bytes = members.get(`${folder}data/${key}`);
    if (bytes?.length !== storageBytes(storage, file)) {
      const there = bytes?.length ?? 0;
      throw file.refuse(`its data/${key} has ${there} bytes for ${length} elements of ${type}`);
    }
    storages.set(key, bytes);
  }
  return flattenTensors(value, storages, file);
}

const legacyMagic = 0x1950a86a20f9469cfc6cn;
const legacyVersion = 1001;

/**
 * Reads the format from before PyTorch 1.6: five pickles, then each storage as its length and its numbers.
 *
 * @returns As {@linkcode parseTorchArchive}.
 * @throws {Error} As {@linkcode parseTorchArchive}.
 */
export function parseTorchLegacy(file: WeightsFile): Map<string, SavedArray> {
  const rules = new TorchRules(file.refuse, false);
  let at = 0;
  const next = () => {
    const { value, end } = unpickle(file, rules, at);
    at = end;
    return value;
  };
  const [magic, version, system] = [next(), next(), next()];
  if (magic !== legacyMagic || version !== legacyVersion || !(system instanceof Map)) {
    throw file.refuse("it is a pickle, but not one that torch.save writes");
  }
  if (system.get("little_endian") !== true) {
    throw file.refuse("it was written by a big-endian machine");
  }
  const [value, keys] = [next(), next()];
  const storages = readLegacyStorages(file, rules, keys, at);
  return flattenTensors(value, storages, file);
}

function readLegacyStorages(
  file: WeightsFile,
  { storages }: TorchRules,
  keys: unknown,
  start: number,
): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const view = new DataView(file.bytes.buffer, file.bytes.byteOffset, file.bytes.length);
  let at = start;
  for (const key of Array.isArray(keys) ? keys : []) {
    const storage = storages.get(key);
    if (!storage || found.has(key)) throw file.refuse(`it lists a storage ${key} that it has not`);
    const bytes = storageBytes(storage, file);
    if (at + 8 + bytes > view.byteLength) throw file.refuse("its numbers are cut short");
    if (view.getBigUint64(at, true) !== BigInt(storage.length)) {
      throw file.refuse(`its storage ${key} is not of ${storage.length} elements`);
    }
    found.set(key, file.bytes.subarray(at + 8, at + 8 + bytes));
    at += 8 + bytes;
  }
  if (found.size < storages.size) throw file.refuse("it lacks some of its storages");
  if (at < view.byteLength) throw file.refuse(`it has ${view.byteLength - at} bytes after its end`);
  return found;
}

/** All tensors in a tree of dictionaries and lists; plain data is left out. */
function flattenTensors(
  root: unknown,
  storages: ReadonlyMap<string, Uint8Array>,
  file: WeightsFile,
): Map<string, SavedArray> {
  const arrays = new Map<string, SavedArray>();
  let visits = 0;
  const visit = (value: unknown, name: string, depth: number) => {
    visits++; // of a tree there are fewer than bytes; of lists that hold themselves there is no end
    if (visits > file.bytes.length || depth > maxDepth || name.length > maxNameLength) {
      throw file.refuse("its dictionaries are nested without end");
    }
    if (value instanceof TensorView) {
      if (arrays.has(name)) throw file.refuse(`it holds ${name} twice`);
      arrays.set(name, readTensor(value, storages.get(value.storage.key)!, file));
    } else if (value instanceof Map || Array.isArray(value)) {
      for (const [key, child] of value.entries()) {
        if (typeof key !== "string" && !isCount(key)) continue; // no name can be made of it
        visit(child, name === "" ? String(key) : `${name}.${key}`, depth + 1);
      }
    }
  };
  visit(root, "", 0);
  return arrays;
}
