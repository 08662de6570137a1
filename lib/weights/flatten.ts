/** Turns the tree of dictionaries, lists and objects in a pickle into arrays under dotted names. */
import { NumpyArray, NumpyType } from "./numpy_pickle.ts";
import { readNumpyArray } from "./numpy_types.ts";
import { InertObject } from "./pickle.ts";
import { readTensor, TensorView, UnreadableTensor } from "./pytorch_tensors.ts";
import { isCount, type SavedArray } from "./saved_array.ts";
import type { WeightsContents } from "./weights_contents.ts";
import type { WeightsFile } from "./weights_file.ts";

const maxDepth = 64; // of dictionaries in dictionaries
const maxNameLength = 1000;

/**
 * All arrays of a tree. A name is the path to it, joined by dots: `model.head.weight`.
 *
 * A module that was saved whole gives the names of its `state_dict()`. Other objects give the
 * arrays among their attributes and entries; those that hold none are counted as left out.
 *
 * @param storages The bytes of each storage, by its key.
 * @throws {Error} If the tree has no end, or two arrays one name.
 */
export function flattenTree(
  root: unknown,
  storages: ReadonlyMap<string, Uint8Array>,
  file: WeightsFile,
): WeightsContents {
  const tree = new Tree(storages, file);
  tree.visit(root, "", 0);
  return tree;
}

/** Child of a place in the tree. */
function under(name: string, key: string | number): string {
  return name === "" ? String(key) : `${name}.${key}`;
}

class Tree implements WeightsContents {
  readonly arrays = new Map<string, SavedArray>();
  readonly unreadable = new Map<string, string>();
  readonly leftOut = new Map<string, number>();
  private visits = 0;
  /** Objects that were entered: they may refer to each other in circles. */
  private readonly entered = new Set<InertObject>();
  /** How many of them are around the current place. */
  private objects = 0;
  /** Modules around the current place. */
  private readonly around = new Set<InertObject>();

  constructor(
    private readonly storages: ReadonlyMap<string, Uint8Array>,
    private readonly file: WeightsFile,
  ) {}

  visit(value: unknown, name: string, depth: number): void {
    // A tree has fewer nodes than the file has bytes; lists that hold themselves have no end.
    this.visits++;
    const deep = depth > maxDepth || name.length > maxNameLength;
    if (deep && this.objects > 0) return this.leaveOut("deeply nested attributes");
    if (deep || this.visits > this.file.bytes.length) {
      throw this.file.refuse("its dictionaries are nested without end");
    }
    if (value instanceof TensorView) {
      const bytes = this.storages.get(value.storage.key)!;
      this.add(name, readTensor(value, bytes, this.file));
    } else if (value instanceof UnreadableTensor) this.add(name, value.what);
    else if (value instanceof NumpyArray) this.visitNumpy(value, name);
    else if (value instanceof InertObject) this.visitObject(value, name, depth);
    else if (value instanceof Map || Array.isArray(value)) {
      this.visitEntries(value.entries(), name, depth);
    }
  }

  private add(name: string, array: SavedArray | string): void {
    if (this.arrays.has(name) || this.unreadable.has(name)) {
      throw this.file.refuse(`it holds ${name} twice`);
    }
    if (typeof array === "string") this.unreadable.set(name, `it is ${array}`);
    else this.arrays.set(name, array);
  }

  private visitNumpy({ type, shape, fortran, bytes }: NumpyArray, name: string): void {
    const what = `a NumPy array of shape [${shape}]`;
    if (!(type instanceof NumpyType) || !(bytes instanceof Uint8Array)) {
      return this.leaveOut("numpy.ndarray of objects");
    }
    const layout = { descr: type.order + type.name, shape, fortran };
    const array = readNumpyArray(this.file, bytes, layout, what);
    this.add(name, typeof array === "string" ? `an array that ${array}` : array);
  }

  private visitEntries(
    entries: Iterable<readonly [unknown, unknown]>,
    name: string,
    depth: number,
  ): void {
    for (const [key, child] of entries) {
      if (typeof key === "string" || isCount(key)) this.visit(child, under(name, key), depth + 1);
      else if (child instanceof TensorView) this.leaveOut("tensor under a key that is no text");
    }
  }

  private visitObject(object: InertObject, name: string, depth: number): void {
    const before = this.arrays.size + this.unreadable.size;
    const { state, entries, items } = object;
    const module = moduleIn(state);
    if (module) this.visitModule(object, module, name, depth);
    else if (!this.entered.has(object) && depth < maxDepth / 2) {
      this.entered.add(object);
      this.objects++;
      if (state instanceof Map) this.visitEntries(state, name, depth);
      this.visitEntries(entries, name, depth);
      this.visitEntries(items.entries(), name, depth);
      this.objects--;
    }
    if (this.arrays.size + this.unreadable.size === before && !module) this.leaveOut(object.name);
  }

  private visitModule(object: InertObject, module: Module, name: string, depth: number): void {
    if (this.around.has(object)) return;
    this.around.add(object);
    const { parameters, buffers, modules, notSaved } = module;
    for (const [key, value] of [...parameters, ...buffers]) {
      if (typeof key !== "string" || notSaved.has(key)) continue;
      this.visit(value, under(name, key), depth + 1);
    }
    for (const [key, value] of modules) {
      if (typeof key === "string") this.visit(value, under(name, key), depth + 1);
    }
    this.around.delete(object);
  }

  private leaveOut(what: string): void {
    this.leftOut.set(what, (this.leftOut.get(what) ?? 0) + 1);
  }
}

/** What `torch.nn.Module` keeps its weights in. */
interface Module {
  readonly parameters: ReadonlyMap<unknown, unknown>;
  readonly buffers: ReadonlyMap<unknown, unknown>;
  readonly modules: ReadonlyMap<unknown, unknown>;
  /** Buffers that `state_dict()` leaves out. */
  readonly notSaved: ReadonlySet<unknown>;
}

function moduleIn(state: unknown): Module | undefined {
  if (!(state instanceof Map)) return undefined;
  const [parameters, buffers, modules] = ["_parameters", "_buffers", "_modules"]
    .map((name) => state.get(name));
  const notSaved = state.get("_non_persistent_buffers_set");
  if (!(parameters instanceof Map && buffers instanceof Map && modules instanceof Map)) {
    return undefined;
  }
  return {
    parameters,
    buffers,
    modules,
    notSaved: notSaved instanceof Set ? notSaved : new Set(),
  };
}
