/**
 * Reads what `torch.save` writes (`.pth`, `.pt`, `.ckpt`): a ZIP archive or, before PyTorch 1.6,
 * pickles followed by raw numbers. Nothing in the file is executed.
 */
import { flattenTree } from "./flatten.ts";
import { type PickleSource, unpickle } from "./pickle.ts";
import { storageBytes, TorchRules } from "./pytorch_tensors.ts";
import type { WeightsContents } from "./weights_contents.ts";
import type { WeightsFile } from "./weights_file.ts";

/**
 * Reads an unpacked archive.
 *
 * @param members Its files by their paths.
 * @returns The tensors under their dotted paths: `model.head.weight` of `{ "model": {
 *   "head.weight": … } }`.
 * @throws {Error} If it is not `torch.save`'s, is damaged, or was written on a big-endian machine.
 */
export function parseTorchArchive(
  file: WeightsFile,
  members: ReadonlyMap<string, Uint8Array>,
): WeightsContents {
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
    const bytes = members.get(`${folder}data/${key}`) ?? new Uint8Array(0);
    if (bytes.length !== (storageBytes(storage) ?? bytes.length)) {
      throw file.refuse(
        `its data/${key} has ${bytes.length} bytes for ${length} elements of ${type}`,
      );
    }
    storages.set(key, bytes);
  }
  return flattenTree(value, storages, file);
}

const legacyMagic = 0x1950a86a20f9469cfc6cn;
const legacyVersion = 1001;

/**
 * Reads the format from before PyTorch 1.6: five pickles, then each storage as its length and its
 * numbers.
 *
 * @returns The same as {@linkcode parseTorchArchive}.
 * @throws {Error} In the same cases as {@linkcode parseTorchArchive}.
 */
export function parseTorchLegacy(file: WeightsFile): WeightsContents {
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
  return flattenTree(value, storages, file);
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
    const bytes = storageBytes(storage);
    if (bytes === undefined) throw file.refuse(`it holds numbers of type ${storage.type}`);
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
