/**
 * The names in PyTorch's pickles that are read here: dictionaries, sets, and tensors as views of
 * storages. An object of any other class becomes a record of what was to be made; nothing in a
 * pickle is run.
 */
import { numpyCalls } from "./numpy_pickle.ts";
import { InertObject, PickleGlobal, type PickleRules } from "./pickle.ts";
import {
  elementBytes,
  type ElementType,
  gatherRowMajor,
  isCount,
  isRowMajor,
  type SavedArray,
  sizeOf,
  toFloat32,
} from "./saved_array.ts";
import type { WeightsFile } from "./weights_file.ts";

/** A block of numbers in the file, which tensors may share. */
export class Storage {
  constructor(
    /** `Float` of `torch.FloatStorage`; `Untyped` where each tensor has a type of its own. */
    readonly type: string,
    readonly key: string,
    /** Number of elements; for an untyped storage, number of bytes. */
    readonly length: number,
  ) {}
}

/** A tensor: a storage, and where in it the elements are. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    /** Type of the numbers by PyTorch's name: `Float`, or `float8_e4m3fn` in an untyped storage. */
    readonly type: string,
    /** Position of the first element in the storage, counted in elements, as are the strides. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** A tensor of a kind that is not read: sparse, quantised, of a library's own class. */
export class UnreadableTensor {
  constructor(
    /** What it is: `a sparse tensor`. */
    readonly what: string,
  ) {}
}

/**
 * PyTorch's names of the types that are read: those of storages, and those of tensors in untyped
 * storages.
 */
const typesByName: Readonly<Record<string, ElementType>> = {
  Float: "F32",
  Half: "F16",
  BFloat16: "BF16",
  Double: "F64",
  Long: "I64",
  Int: "I32",
  Short: "I16",
  Char: "I8",
  Byte: "U8",
  Bool: "BOOL",
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
  float64: "F64",
  float8_e4m3fn: "F8_E4M3",
  float8_e5m2: "F8_E5M2",
  int64: "I64",
  int32: "I32",
  int16: "I16",
  int8: "I8",
  uint64: "U64",
  uint32: "U32",
  uint16: "U16",
  uint8: "U8",
  bool: "BOOL",
};

/** Bytes of an element of the other types of storage. */
const otherBytes: Readonly<Record<string, number>> = {
  ComplexDouble: 16,
  ComplexFloat: 8,
  ComplexHalf: 4,
  QInt32: 4,
  QInt8: 1,
  QUInt8: 1,
  Untyped: 1,
};

const storageName = /^torch\.(?:cuda\.|storage\.)?([A-Z][A-Za-z0-9]*)Storage$/;
const typeName = /^torch\.(\w+)$/;
/** PyTorch's functions that make a tensor. */
const rebuilds = /^torch\.(?:_utils|_tensor)\._rebuild_/;

const maxRank = 64; // PyTorch's own

type Call = (args: readonly unknown[]) => unknown;

/** The rules for one file; collects the storages that its tensors turn out to need. */
export class TorchRules implements PickleRules {
  readonly storages = new Map<string, Storage>();

  private readonly tensorCalls: Readonly<Record<string, Call>> = {
    "torch._utils._rebuild_tensor": (args) => this.tensor(args),
    "torch._utils._rebuild_tensor_v2": (args) => this.tensor(args),
    "torch._utils._rebuild_tensor_v3": (args) => this.tensor(args, args[6]),
    "torch._utils._rebuild_parameter": (args) => this.parameter(args),
    "torch._utils._rebuild_parameter_with_state": (args) => this.parameter(args),
    "torch._utils._rebuild_sparse_tensor": () => new UnreadableTensor("a sparse tensor"),
    "torch._utils._rebuild_qtensor": () => new UnreadableTensor("a quantised tensor"),
  };

  private readonly calls: Readonly<Record<string, Call>> = {
    ...this.tensorCalls,
    ...numpyCalls,
    "collections.OrderedDict": (args) => this.orderedDict(args),
    "collections.defaultdict": () => new Map(),
    "collections.Counter": ([counts]) => counts instanceof Map ? counts : new Map(),
    "__builtin__.set": setOf,
    "builtins.set": setOf,
    "__builtin__.frozenset": setOf,
    "builtins.frozenset": setOf,
    "torch.Size": ([sides]) => sides,
    "torch._tensor._rebuild_from_type": (args) => this.withAttributes(args),
    "torch._tensor._rebuild_from_type_v2": (args) => this.withAttributes(args),
  };

  /**
   * @param mayRepeat Whether a tensor may hold an element of its storage twice, as `expand` makes
   *   it. In a file without checksums that is far more likely to be a damaged stride.
   */
  constructor(
    private readonly refuse: WeightsFile["refuse"],
    private readonly mayRepeat: boolean,
  ) {}

  global(name: string): PickleGlobal {
    if (Object.hasOwn(this.calls, name)) return new PickleGlobal(name, this.calls[name]);
    if (rebuilds.test(name)) {
      return new PickleGlobal(name, () => new UnreadableTensor(`a tensor made by ${name}`));
    }
    return new PickleGlobal(name);
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

  private tensor([storage, offset, shape, strides]: readonly unknown[], type?: unknown) {
    if (!(storage instanceof Storage) || !isCount(offset) || !areCounts(shape)) {
      throw this.malformed("tensor");
    }
    if (!areCounts(strides) || shape.length !== strides.length || sizeOf(shape) === undefined) {
      throw this.malformed("tensor");
    }
    const name = type instanceof PickleGlobal ? typeName.exec(type.name)?.[1] : undefined;
    const view = new TensorView(storage, name ?? storage.type, offset, shape, strides);
    this.checkInside(view);
    if (!this.mayRepeat && repeats(shape, strides)) {
      throw this.refuse(`a tensor of shape [${shape}] has strides [${strides}], which overlap`);
    }
    return view;
  }

  private checkInside({ storage, type, offset, shape, strides }: TensorView): void {
    const last = shape.reduce((at, side, axis) => at + (side - 1) * strides[axis]!, offset);
    const width = storage.type === "Untyped" ? widthOf(type) ?? 0 : 1; // in what the length counts
    if (shape.includes(0) || (last + 1) * width <= storage.length) return;
    throw this.refuse(
      `a tensor of shape [${shape}] lies outside its storage of ${storage.length} elements`,
    );
  }

  private parameter([tensor]: readonly unknown[]): TensorView | UnreadableTensor {
    if (isTensor(tensor)) return tensor;
    if (tensor instanceof InertObject) return new UnreadableTensor(`a tensor of ${tensor.name}`);
    throw this.malformed("parameter");
  }

  /**
   * A tensor with attributes, or of a class derived from PyTorch's: `func(*args)`, then class and
   * attributes.
   */
  private withAttributes([func, type, args]: readonly unknown[]): TensorView | UnreadableTensor {
    const known = func instanceof PickleGlobal && Object.hasOwn(this.tensorCalls, func.name);
    if (known && Array.isArray(args)) {
      const tensor = this.tensorCalls[func.name]!(args);
      if (isTensor(tensor)) return tensor;
    }
    const name = type instanceof PickleGlobal ? type.name : "an unknown class";
    return new UnreadableTensor(`a tensor of ${name}`);
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

function isTensor(value: unknown): value is TensorView | UnreadableTensor {
  return value instanceof TensorView || value instanceof UnreadableTensor;
}

function setOf([items]: readonly unknown[]): Set<unknown> {
  return new Set(Array.isArray(items) ? items : []);
}

function areCounts(values: unknown): values is number[] {
  return Array.isArray(values) && values.length <= maxRank && values.every(isCount);
}

/**
 * Whether two elements may lie in one place: each stride should pass all that the smaller ones
 * span.
 */
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

function elementTypeOf(name: string): ElementType | undefined {
  return Object.hasOwn(typesByName, name) ? typesByName[name] : undefined;
}

/** Bytes of an element; `undefined` for a type that is not known. */
function widthOf(name: string): number | undefined {
  const type = elementTypeOf(name);
  if (type !== undefined) return elementBytes[type];
  return Object.hasOwn(otherBytes, name) ? otherBytes[name] : undefined;
}

/** Bytes of a storage; `undefined` if its type of number is not known. */
export function storageBytes({ type, length }: Storage): number | undefined {
  const width = widthOf(type);
  return width === undefined ? undefined : length * width;
}

/**
 * The values of a tensor, given its storage's bytes; or, where its type is not read, what it is.
 */
export function readTensor(
  { storage, type: name, offset, shape, strides }: TensorView,
  bytes: Uint8Array,
  file: WeightsFile,
): SavedArray | string {
  const type = elementTypeOf(name);
  const inStorage = storage.type === "Untyped" ? type : elementTypeOf(storage.type);
  if (type === undefined || inStorage !== type) return `a tensor of type ${name}`;
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
