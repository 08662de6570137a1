/**
 * Reads Python pickles and executes nothing. A pickle is a program for a stack machine that may call any function of
 * Python; here it may name only what {@linkcode PickleRules} allow, and those are functions of ours. Dictionaries come
 * out as `Map`, lists and tuples as arrays, bytes as `Uint8Array`.
 */
import { refusedOpcodes } from "lib/weights/pickle_opcodes.ts";
import { PickleReader, type PickleSource } from "lib/weights/pickle_reader.ts";

export type { PickleSource } from "lib/weights/pickle_reader.ts";

/** Something a pickle asks for by its name, such as `collections.OrderedDict`. */
export class PickleGlobal {
  /**
   * @param name Module and name, `torch.FloatStorage`.
   * @param call What calling it gives; without, it can only be referred to.
   */
  constructor(
    readonly name: string,
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/** An object of Python that is kept as what was written of it, and is never built. */
export class InertObject {
  /** What was to be its attributes. */
  state: unknown = undefined;
  constructor(readonly name: string, readonly args: readonly unknown[]) {}
}

/** What a pickle may do. Both throw to refuse. */
export interface PickleRules {
  /** What stands under a name of Python. */
  global(name: string): PickleGlobal;
  /** What stands under an id that is explained outside the pickle, such as a tensor's storage. */
  persistent(id: unknown): unknown;
}

/**
 * Reads one pickle, protocols 2 to 4 (what `torch.save` writes).
 *
 * Takes time and memory in proportion to its length, whatever its bytes are.
 *
 * @param start Where it begins.
 * @returns Its value, and where the bytes after it begin.
 * @throws {Error} If it is damaged, uses an opcode that `torch.save` does not, or asks for what the rules refuse.
 */
export function unpickle(
  source: PickleSource,
  rules: PickleRules,
  start = 0,
): { readonly value: unknown; readonly end: number } {
  const reader = new PickleReader(source, start);
  const value = new Machine(source, rules, reader).run();
  return { value, end: reader.at };
}

class Machine {
  /** What was pushed since the last mark. */
  private stack: unknown[] = [];
  /** What was pushed before each mark. */
  private readonly marked: unknown[][] = [];
  private readonly memo = new Map<number, unknown>();
  private copied = 0;

  constructor(
    private readonly source: PickleSource,
    private readonly rules: PickleRules,
    readonly reader: PickleReader,
  ) {}

  run(): unknown {
    for (;;) {
      const opcode = this.reader.byte();
      if (opcode === stop) return this.pop();
      const step = steps[opcode];
      if (step === undefined) throw this.unknown(opcode);
      step(this, this.reader);
    }
  }

  refuse(why: string): Error {
    return this.source.refuse(`its pickle ${why}`);
  }

  private unknown(opcode: number): Error {
    const name = refusedOpcodes[opcode];
    if (name === "INST") this.pushGlobal(this.reader.line(), this.reader.line()); // so that what it asks for is named
    const hex = `0x${opcode.toString(16).padStart(2, "0")}`;
    return this.refuse(name ? `uses ${name}, which torch.save does not` : `has no opcode ${hex}`);
  }

  // ------------------------------------------------------------ stack and memo

  push(value: unknown): void {
    this.stack.push(value);
  }

  pop(): unknown {
    if (this.stack.length === 0) throw this.refuse("takes more than it put");
    return this.stack.pop();
  }

  popCount(count: number): unknown[] {
    if (this.stack.length < count) throw this.refuse("takes more than it put");
    return this.stack.splice(this.stack.length - count);
  }

  mark(): void {
    this.marked.push(this.stack);
    this.stack = [];
  }

  popToMark(): unknown[] {
    const values = this.stack;
    const before = this.marked.pop();
    if (before === undefined) throw this.refuse("looks for a mark that is not there");
    this.stack = before;
    return values;
  }

  remember(key: number): void {
    const value = this.pop();
    this.memo.set(key, value);
    this.push(value);
  }

  rememberNext(): void {
    this.remember(this.memo.size);
  }

  recall(key: number): void {
    if (!this.memo.has(key)) throw this.refuse("refers to what it did not say before");
    this.push(this.memo.get(key));
  }

  // ------------------------------------------------------------ objects

  global(): void {
    this.pushGlobal(this.reader.line(), this.reader.line());
  }

  stackGlobal(): void {
    const [module, name] = this.popCount(2);
    if (typeof module !== "string" || typeof name !== "string") {
      throw this.refuse("asks for something whose name is not text");
    }
    this.pushGlobal(module, name);
  }

  private pushGlobal(module: string, name: string): void {
    this.push(this.rules.global(`${module}.${name}`));
  }

  persistent(): void {
    this.push(this.rules.persistent(this.pop()));
  }

  /** `f(*args)`, which also makes new objects of a class. */
  call(): void {
    const [callee, args] = this.popCount(2);
    if (!(callee instanceof PickleGlobal) || !Array.isArray(args)) {
      throw this.refuse("calls something that is no function");
    }
    if (!callee.call) throw this.refuse(`calls ${callee.name}, which is only a name`);
    this.copied += args.length + lengthOf(args[0]); // a call may copy what costs the pickle two bytes to repeat
    if (this.copied > this.source.bytes.length) throw this.refuse("repeats itself without end");
    this.push(callee.call(args));
  }

  /** Gives an object its attributes. A dictionary's (`_metadata` of a state dict) say nothing about weights. */
  build(): void {
    const [object, state] = this.popCount(2);
    if (object instanceof InertObject) object.state = state;
    else if (!(object instanceof Map)) throw this.refuse("gives attributes to a plain value");
    this.push(object);
  }

  append(items: readonly unknown[]): void {
    const list = this.pop();
    if (!Array.isArray(list)) throw this.refuse("appends to what is no list");
    for (const item of items) list.push(item);
    this.push(list);
  }

  setItems(items: readonly unknown[]): void {
    const target = this.pop();
    if (!(target instanceof Map)) throw this.refuse("sets items of what is no dictionary");
    this.fill(target, items);
    this.push(target);
  }

  pushDictionary(items: readonly unknown[]): void {
    this.push(this.fill(new Map(), items));
  }

  private fill(map: Map<unknown, unknown>, items: readonly unknown[]): Map<unknown, unknown> {
    if (items.length % 2 !== 0) throw this.refuse("has a key without a value");
    for (let i = 0; i < items.length; i += 2) map.set(items[i], items[i + 1]);
    return map;
  }

  addItems(items: readonly unknown[]): void {
    const set = this.pop();
    if (!(set instanceof Set)) throw this.refuse("adds to what is no set");
    for (const item of items) set.add(item);
    this.push(set);
  }
}

function lengthOf(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}

const stop = 0x2e;

/** What each opcode does; names as in Python's `pickletools`. */
const steps: Readonly<Record<number, (machine: Machine, reader: PickleReader) => void>> = {
  0x80: (m) => protocol(m), // PROTO
  0x95: (_, r) => void r.uint(8), // FRAME: how much to read ahead
  0x28: (m) => m.mark(), // MARK
  0x30: (m) => void m.pop(), // POP
  0x31: (m) => void m.popToMark(), // POP_MARK

  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x4a: (m, r) => m.push(r.int32()), // BININT
  0x4b: (m, r) => m.push(r.uint(1)), // BININT1
  0x4d: (m, r) => m.push(r.uint(2)), // BININT2
  0x8a: (m, r) => m.push(r.integer(r.uint(1))), // LONG1
  0x8b: (m, r) => m.push(r.integer(r.uint(4))), // LONG4
  0x47: (m, r) => m.push(r.float64()), // BINFLOAT
  0x8c: (m, r) => m.push(r.text(r.uint(1))), // SHORT_BINUNICODE
  0x58: (m, r) => m.push(r.text(r.uint(4))), // BINUNICODE
  0x8d: (m, r) => m.push(r.text(r.uint(8))), // BINUNICODE8
  0x55: (m, r) => m.push(r.text(r.uint(1))), // SHORT_BINSTRING: Python 2's text
  0x54: (m, r) => m.push(r.text(r.uint(4))), // BINSTRING
  0x43: (m, r) => m.push(r.raw(r.uint(1))), // SHORT_BINBYTES
  0x42: (m, r) => m.push(r.raw(r.uint(4))), // BINBYTES
  0x8e: (m, r) => m.push(r.raw(r.uint(8))), // BINBYTES8

  0x29: (m) => m.push([]), // EMPTY_TUPLE
  0x85: (m) => m.push(m.popCount(1)), // TUPLE1
  0x86: (m) => m.push(m.popCount(2)), // TUPLE2
  0x87: (m) => m.push(m.popCount(3)), // TUPLE3
  0x74: (m) => m.push(m.popToMark()), // TUPLE
  0x5d: (m) => m.push([]), // EMPTY_LIST
  0x6c: (m) => m.push(m.popToMark()), // LIST
  0x61: (m) => m.append(m.popCount(1)), // APPEND
  0x65: (m) => m.append(m.popToMark()), // APPENDS
  0x7d: (m) => m.push(new Map()), // EMPTY_DICT
  0x64: (m) => m.pushDictionary(m.popToMark()), // DICT
  0x73: (m) => m.setItems(m.popCount(2)), // SETITEM
  0x75: (m) => m.setItems(m.popToMark()), // SETITEMS
  0x8f: (m) => m.push(new Set()), // EMPTY_SET
  0x90: (m) => m.addItems(m.popToMark()), // ADDITEMS
  0x91: (m) => m.push(new Set(m.popToMark())), // FROZENSET

  0x71: (m, r) => m.remember(r.uint(1)), // BINPUT
  0x72: (m, r) => m.remember(r.uint(4)), // LONG_BINPUT
  0x94: (m) => m.rememberNext(), // MEMOIZE
  0x68: (m, r) => m.recall(r.uint(1)), // BINGET
  0x6a: (m, r) => m.recall(r.uint(4)), // LONG_BINGET

  0x63: (m) => m.global(), // GLOBAL
  0x93: (m) => m.stackGlobal(), // STACK_GLOBAL
  0x51: (m) => m.persistent(), // BINPERSID
  0x52: (m) => m.call(), // REDUCE
  0x81: (m) => m.call(), // NEWOBJ
  0x62: (m) => m.build(), // BUILD
};

function protocol(machine: Machine): void {
  const version = machine.reader.byte();
  if (version < 2 || version > 4) {
    throw machine.refuse(`is of protocol ${version}, only 2 to 4 are read`);
  }
}
