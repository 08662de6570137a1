/**
 * What PyTorch's pickles may ask for: dictionaries, tensors as views of storages, and a few kinds of plain data that
 * training scripts save beside them. Everything else is refused by its name.
 */
import { InertObject, PickleGlobal, type PickleRules } from "lib/weights/pickle.ts";
import {
  elementBytes,
  type ElementType,
  gatherRowMajor,
  isCount,
  isRowMajor,
  type SavedArray,
  sizeOf,
  toFloat32,
} from "lib/weights/saved_array.ts";
import type { WeightsFile } from "lib/weights/weights_file.ts";

/** A block of numbers in the file, which tensors may share. */
export class Storage {
  constructor(
    /** `Float` of `torch.FloatStorage`. */
    readonly type: string,
    readonly key: string,
    /** In elements. */
    readonly length: number,
  ) {}
}

/** A tensor: a storage, and where in it the elements are. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    /** In elements, as are the strides. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** PyTorch's names of the types that are read. */
const typesByName: Readonly<Record<string, ElementType>> = {
  Float: "F32",
  Half: "F16",
  BFloat16: "BF16",
  Double: "F64",
  Long: "I64",
  Int: "I32",
  Byte: "U8",
  Bool: "BOOL",
};

/** Data that is of no use here and that full checkpoints hold: arguments, sets, NumPy's scalars. */
const inertNames = [
  "argparse.Namespace",
  "__builtin__.set",
  "builtins.set",
  "torch.device",
  "numpy.dtype",
  "numpy.core.multiarray.scalar",
  "numpy._core.multiarray.scalar",
  "_codecs.encode",
];

const storageName = /^torch\.(?:cuda\.|storage\.)?([A-Z][A-Za-z0-9]*)Storage$/;
const dtypeName = /^torch\.(?:(?:float|bfloat|int|uint|complex)\d+|bool)$/;

const maxRank = 64; // PyTorch's own

/** The rules for one file; collects the storages that its tensors turn out to need. */
export class TorchRules implements PickleRules {
  readonly storages = new Map<string, Storage>();

  private readonly calls: Readonly<Record<string, (args: readonly unknown[]) => unknown>> = {
    "collections.OrderedDict": (args) => this.orderedDict(args),
    "torch.Size": ([sides]) => sides,
    "torch._utils._rebuild_tensor": (args) => this.tensor(args),
    "torch._utils._rebuild_tensor_v2": (args) => this.tensor(args),
    "torch._utils._rebuild_parameter": (args) => this.parameter(args),
  };

  /**
   * @param mayRepeat Whether a tensor may hold an element of its storage twice, as `expand` makes it. In a file without
   *   checksums that is far more likely to be a damaged stride.
   */
  constructor(
    private readonly refuse: WeightsFile["refuse"],
    private readonly mayRepeat: boolean,
  ) {}

  global(name: string): PickleGlobal {
    if (Object.hasOwn(this.calls, name)) return new PickleGlobal(name, this.calls[name]);
    if (inertNames.includes(name)) {
      return new PickleGlobal(name, (args) => new InertObject(name, args));
    }
    if (storageName.test(name) || dtypeName.test(name)) return new PickleGlobal(name);
    throw this.refuse(
      `its pickle asks for ${name}; nothing but tensors, dictionaries and plain data is read, and nothing was run`,
    );
  }

  persistent(id: unknown): Storage {
    if (!Array.isArray(id)) throw this.malformed("storage");
    const [kind, storageClass, key, _location, length, view = null] = id;
    const type = storageClass instanceof PickleGlobal && storageName.exec(storageClass.name)?.[1];
    if (kind !== "storage" || !type || typeof key !== "string" || !isCount(length)) {
      throw this.malformed("storage");
    }
    if (view !== null) throw this.malformed("storage"); // PyTorch before 0.4
    const storage = this.storages.get(key) ?? new Storage(type, key, length);
    if (storage.type !== type || storage.length !== length) throw this.malformed("storage");
    this.storages.set(key, storage);
    return storage;
  }

  private tensor([storage, offset, shape, strides]: readonly unknown[]): TensorView {
    if (!(storage instanceof Storage) || !isCount(offset) || !areCounts(shape)) {
      throw this.malformed("tensor");
    }
    if (!areCounts(strides) || shape.length !== strides.length || sizeOf(shape) === undefined) {
      throw this.malformed("tensor");
    }
    const last = shape.reduce((at, side, axis) => at + (side - 1) * strides[axis]!, offset);
    if (!shape.includes(0) && last >= storage.length) {
      throw this.refuse(
        `a tensor of shape [${shape}] lies outside its storage of ${storage.length} elements`,
      );
    }
    if (!this.mayRepeat && repeats(shape, strides)) {
      throw this.refuse(`a tensor of shape [${shape}] has strides [${strides}], which overlap`);
    }
    return new TensorView(storage, offset, shape, strides);
  }

  private parameter([tensor]: readonly unknown[]): TensorView {
    if (tensor instanceof TensorView) return tensor;
    throw this.malformed("parameter");
  }

  private orderedDict([pairs = []]: readonly unknown[]): Map<unknown, unknown> {
    if (Array.isArray(pairs) && pairs.every(Array.isArray)) {
      return new Map(pairs as [unknown, unknown][]);
    }
    throw this.malformed("dictionary");
  }

  private malformed(what: string): Error {
    return this.refuse(
      `its pickle describes a ${what} in a way that this PyTorch reader does not know`,
    );
  }
}

function areCounts(values: unknown): values is number[] {
  return Array.isArray(values) && values.length <= maxRank && values.every(isCount);
}

/** Whether two elements may lie in one place: each stride should pass all that the smaller ones span. */
function repeats(shape: readonly number[], strides: readonly number[]): boolean {
  const axes = shape.map((side, axis) => ({ side, stride: strides[axis]! }))
    .filter(({ side }) => side > 1).sort((a, b) => a.stride - b.stride);
  let span = 1;
  return axes.some(({ side, stride }) => {
    const overlap = stride < span;
    span += (side - 1) * stride;
    return overlap;
  });
}

/**
 * Bytes of a storage.
 *
 * @throws {Error} If its type of number is not one of those that are read; the message names it.
 */
export function storageBytes({ type, length }: Storage, { refuse }: WeightsFile): number {
  return length * elementBytes[elementTypeOf(type, refuse)];
}

function elementTypeOf(name: string, refuse: WeightsFile["refuse"]): ElementType {
  if (Object.hasOwn(typesByName, name)) return typesByName[name]!;
  const known = Object.keys(typesByName).join(", ");
  throw refuse(`it holds tensors of type ${name}; only ${known} are read`);
}

/** The values of a tensor, given its storage's bytes. */
export function readTensor(
  { storage, offset, shape, strides }: TensorView,
  bytes: Uint8Array,
  file: WeightsFile,
): SavedArray {
  const type = elementTypeOf(storage.type, file.refuse);
  const [size, width] = [sizeOf(shape)!, elementBytes[type]];
  const what = `a tensor of shape [${shape}]`;
  file.claim(4 * size, what);
  let elements = bytes.subarray(offset * width, (offset + size) * width);
  if (!isRowMajor(shape, strides)) {
    file.claim(size * width, what);
    elements = gatherRowMajor(bytes.subarray(offset * width), width, shape, strides);
  }
  return { shape, values: toFloat32(type, elements) };
}
