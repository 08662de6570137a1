/**
 * Reads Python pickles and executes nothing. A pickle is a program for a stack machine that may
 * call any function of Python. Here the few calls that make tensors and plain data are functions of
 * ours ({@linkcode PickleRules}); every other call becomes an {@linkcode InertObject}, a record of
 * what was asked for. Dictionaries come out as `Map`, lists and tuples as arrays, bytes as
 * `Uint8Array`.
 */
import { PickleReader, type PickleSource } from "./pickle_reader.ts";

export type { PickleSource } from "./pickle_reader.ts";

/** Something a pickle asks for by its name, such as `collections.OrderedDict`. */
export class PickleGlobal {
  /**
   * @param name Module and name, `torch.FloatStorage`.
   * @param call What calling it gives; without it, a call gives an {@linkcode InertObject}.
   */
  constructor(
    readonly name: string,
    readonly call?: (args: readonly unknown[]) => unknown,
  ) {}
}

/**
 * An object of Python that is kept as what the file says of it: class, arguments, contents. It is
 * never built.
 */
export class InertObject {
  /** Attributes of the object: a `Map`, or whatever its class takes instead. */
  state: unknown = undefined;
  /** Entries of the object, if its class is a kind of dictionary. */
  readonly entries: Map<unknown, unknown> = new Map();
  /** Items of the object, if its class is a kind of list or set. */
  readonly items: unknown[] = [];
  constructor(
    /** Module and name of its class, or of the function that would make it. */
    readonly name: string,
    readonly args: readonly unknown[],
  ) {}
}

/** A value that takes its state in its own way, such as a NumPy array. */
export interface TakesState {
  setState(state: unknown): void;
}

function takesState(value: unknown): value is TakesState {
  return typeof (value as Partial<TakesState> | null)?.setState === "function";
}

/** What the names and ids in a pickle stand for. Both throw to refuse. */
export interface PickleRules {
  /** What a name of Python stands for. */
  global(name: string): PickleGlobal;
  /** What stands under an id that is explained outside the pickle, such as a tensor's storage. */
  persistent(id: unknown): unknown;
}

/**
 * Reads one pickle, of protocol 0 to 5.
 *
 * Takes time and memory in proportion to its length, whatever its bytes are.
 *
 * @param start Where it begins.
 * @returns Its value, and where the bytes after it begin.
 * @throws {Error} If it is damaged, or asks for what the rules refuse.
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
      if (step === undefined) {
        throw this.refuse(`has no opcode 0x${opcode.toString(16).padStart(2, "0")}`);
      }
      step(this, this.reader);
    }
  }

  refuse(why: string): Error {
    return this.source.refuse(`its pickle ${why}`);
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

  /** A name by its number in a table that only the writer's Python has. */
  extension(code: number): void {
    this.push(new PickleGlobal(`extension ${code}`));
  }

  persistent(): void {
    this.push(this.rules.persistent(this.pop()));
  }

  persistentLine(id: string): void {
    this.push(this.rules.persistent(id));
  }

  /** `f(*args)`, which also makes new objects of a class. */
  call(): void {
    const [callee, args] = this.popCount(2);
    if (!Array.isArray(args)) throw this.refuse("calls something without arguments");
    this.apply(callee, args);
  }

  /** `cls(*args, **named)` */
  callWithNames(): void {
    const [callee, args, named] = this.popCount(3);
    if (!Array.isArray(args) || !(named instanceof Map)) {
      throw this.refuse("calls something without arguments");
    }
    this.apply(callee, named.size === 0 ? args : [...args, named]);
  }

  /** Calls the oldest value after the mark with the others. */
  callFromMark(): void {
    const [callee, ...args] = this.popToMark();
    this.apply(callee, args);
  }

  /** Calls a class that is named in the pickle's own text. */
  callByName(): void {
    const [module, name] = [this.reader.line(), this.reader.line()];
    const args = this.popToMark();
    this.apply(this.rules.global(`${module}.${name}`), args);
  }

  private apply(callee: unknown, args: readonly unknown[]): void {
    // A pickle can repeat a call in two bytes, and what is called may copy its arguments.
    this.countCopies(args.length + lengthOf(args[0]));
    if (callee instanceof PickleGlobal) {
      this.push(callee.call ? callee.call(args) : new InertObject(nameOfNew(callee, args), args));
    } else if (callee instanceof InertObject) this.push(new InertObject(`${callee.name}()`, args));
    else throw this.refuse("calls something that is no function");
  }

  private countCopies(count: number): void {
    this.copied += count;
    if (this.copied > this.source.bytes.length) throw this.refuse("repeats itself without end");
  }

  /**
   * Gives an object its attributes. Those of a dictionary (`_metadata` of a state dict) say nothing
   * about weights.
   */
  build(): void {
    const [object, state] = this.popCount(2);
    if (object instanceof InertObject) object.state = state;
    else if (takesState(object)) object.setState(state);
    else if (!(object instanceof Map) && !(object instanceof PickleGlobal)) {
      throw this.refuse("gives attributes to a plain value");
    }
    this.push(object);
  }

  append(items: readonly unknown[]): void {
    const target = this.pop();
    const list = target instanceof InertObject ? target.items : target;
    if (!Array.isArray(list)) throw this.refuse("appends to what is no list");
    for (const item of items) list.push(item);
    this.push(target);
  }

  setItems(items: readonly unknown[]): void {
    const target = this.pop();
    const map = target instanceof InertObject ? target.entries : target;
    if (!(map instanceof Map)) throw this.refuse("sets items of what is no dictionary");
    this.fill(map, items);
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
    const target = this.pop();
    for (const item of items) { // not at once: a call takes only so many arguments
      if (target instanceof InertObject) target.items.push(item);
      else if (target instanceof Set) target.add(item);
      else throw this.refuse("adds to what is no set");
    }
    this.push(target);
  }

  /** The newest value once more. */
  duplicate(): void {
    const value = this.pop();
    this.push(value);
    this.push(value);
  }
}

function lengthOf(value: unknown): number {
  if (value instanceof Map) return value.size;
  const hasLength = Array.isArray(value) || typeof value === "string" ||
    value instanceof Uint8Array;
  return hasLength ? value.length : 0;
}

/**
 * Functions that only make an object of the class they are given: the object is then called by its
 * class.
 */
const makers = ["copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__"];

function nameOfNew(callee: PickleGlobal, [first]: readonly unknown[]): string {
  return makers.includes(callee.name) && first instanceof PickleGlobal ? first.name : callee.name;
}

const stop = 0x2e;

/** What each opcode does; names as in Python's `pickletools`. */
const steps: Readonly<Record<number, (machine: Machine, reader: PickleReader) => void>> = {
  0x80: (m) => protocol(m), // PROTO
  0x95: (_, r) => void r.uint(8), // FRAME: how much to read ahead
  0x28: (m) => m.mark(), // MARK
  0x30: (m) => void m.pop(), // POP
  0x31: (m) => void m.popToMark(), // POP_MARK
  0x32: (m) => m.duplicate(), // DUP

  0x4e: (m) => m.push(null), // NONE
  0x88: (m) => m.push(true), // NEWTRUE
  0x89: (m) => m.push(false), // NEWFALSE
  0x49: (m, r) => m.push(r.integerLine()), // INT
  0x4c: (m, r) => m.push(r.integerLine()), // LONG
  0x46: (m, r) => m.push(r.floatLine()), // FLOAT
  0x4a: (m, r) => m.push(r.int32()), // BININT
  0x4b: (m, r) => m.push(r.uint(1)), // BININT1
  0x4d: (m, r) => m.push(r.uint(2)), // BININT2
  0x8a: (m, r) => m.push(r.integer(r.uint(1))), // LONG1
  0x8b: (m, r) => m.push(r.integer(r.uint(4))), // LONG4
  0x47: (m, r) => m.push(r.float64()), // BINFLOAT
  0x56: (m, r) => m.push(r.escapedLine()), // UNICODE
  0x53: (m, r) => m.push(r.quotedLine()), // STRING
  0x8c: (m, r) => m.push(r.text(r.uint(1))), // SHORT_BINUNICODE
  0x58: (m, r) => m.push(r.text(r.uint(4))), // BINUNICODE
  0x8d: (m, r) => m.push(r.text(r.uint(8))), // BINUNICODE8
  0x55: (m, r) => m.push(r.text(r.uint(1))), // SHORT_BINSTRING: Python 2's text
  0x54: (m, r) => m.push(r.text(r.uint(4))), // BINSTRING
  0x43: (m, r) => m.push(r.raw(r.uint(1))), // SHORT_BINBYTES
  0x42: (m, r) => m.push(r.raw(r.uint(4))), // BINBYTES
  0x8e: (m, r) => m.push(r.raw(r.uint(8))), // BINBYTES8
  0x96: (m, r) => m.push(r.raw(r.uint(8))), // BYTEARRAY8
  0x97: (m) => m.push(new InertObject("a buffer outside of the pickle", [])), // NEXT_BUFFER
  0x98: () => {}, // READONLY_BUFFER: here nothing writes to it

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

  0x70: (m, r) => m.remember(r.indexLine()), // PUT
  0x67: (m, r) => m.recall(r.indexLine()), // GET
  0x71: (m, r) => m.remember(r.uint(1)), // BINPUT
  0x72: (m, r) => m.remember(r.uint(4)), // LONG_BINPUT
  0x94: (m) => m.rememberNext(), // MEMOIZE
  0x68: (m, r) => m.recall(r.uint(1)), // BINGET
  0x6a: (m, r) => m.recall(r.uint(4)), // LONG_BINGET

  0x63: (m) => m.global(), // GLOBAL
  0x93: (m) => m.stackGlobal(), // STACK_GLOBAL
  0x82: (m, r) => m.extension(r.uint(1)), // EXT1
  0x83: (m, r) => m.extension(r.uint(2)), // EXT2
  0x84: (m, r) => m.extension(r.uint(4)), // EXT4
  0x50: (m, r) => m.persistentLine(r.line()), // PERSID
  0x51: (m) => m.persistent(), // BINPERSID
  0x52: (m) => m.call(), // REDUCE
  0x81: (m) => m.call(), // NEWOBJ
  0x92: (m) => m.callWithNames(), // NEWOBJ_EX
  0x69: (m) => m.callByName(), // INST
  0x6f: (m) => m.callFromMark(), // OBJ
  0x62: (m) => m.build(), // BUILD
};

function protocol(machine: Machine): void {
  const version = machine.reader.byte();
  if (version > 5) throw machine.refuse(`is of protocol ${version}, only 0 to 5 are read`);
}
