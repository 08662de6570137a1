/**
 * Reads the parts of MATLAB's MAT-file format, version 5, that the lists of data sets are made of:
 * arrays of structures, cells, numbers and text, compressed or not (MathWorks, "MAT-File Format"). The one
 * library of npm for it is under the GPL.
 */
import { inflateSync } from "node:zlib";

/** A MATLAB value: text, numbers, an array of structures, or a cell array of values. */
export type MatValue = string | readonly number[] | readonly MatRecord[] | readonly MatValue[];
export type MatRecord = Readonly<Record<string, MatValue>>;

/** Types of elements, and the classes of arrays. */
const miMATRIX = 14;
const miCOMPRESSED = 15;
const classes = { cell: 1, struct: 2, char: 4, firstNumber: 6, lastNumber: 15 } as const;

type ReadNumber = (view: DataView, at: number) => number;

/** The bytes of a number and the way to read it, by the type of element. */
const numbers: Readonly<Record<number, readonly [bytes: number, ReadNumber]>> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at) => view.getInt16(at, true)],
  4: [2, (view, at) => view.getUint16(at, true)],
  5: [4, (view, at) => view.getInt32(at, true)],
  6: [4, (view, at) => view.getUint32(at, true)],
  7: [4, (view, at) => view.getFloat32(at, true)],
  9: [8, (view, at) => view.getFloat64(at, true)],
  12: [8, (view, at) => Number(view.getBigInt64(at, true))],
  13: [8, (view, at) => Number(view.getBigUint64(at, true))],
  16: [1, (view, at) => view.getUint8(at)], // UTF-8
  17: [2, (view, at) => view.getUint16(at, true)], // UTF-16
};

/**
 * The variables of a MAT-file, by name.
 *
 * @throws {TypeError} If it is not a little-endian MAT-file of version 5, or holds something else.
 */
export function parseMat(bytes: Uint8Array, name: string): MatRecord {
  const refuse = (why: string) => new TypeError(`Cannot read ${name}: ${why}`);
  const mark = new TextDecoder("latin1").decode(bytes.subarray(124, 128));
  if (mark !== "\x00\x01IM") throw refuse("it is not a MAT-file of version 5");
  try {
    const variables: Record<string, MatValue> = {};
    for (const element of elementsOf(bytes.subarray(128))) {
      const array = element.type === miCOMPRESSED
        ? [...elementsOf(new Uint8Array(inflateSync(element.data)))][0]!
        : element;
      const { name, value } = parseArray(array);
      variables[name] = value;
    }
    return variables;
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

/**
 * The elements one after the other. Each starts at a multiple of 8, except after compressed ones.
 */
function* elementsOf(bytes: Uint8Array): Generator<Element> {
  const view = viewOf(bytes);
  for (let at = 0; at + 8 <= bytes.length;) {
    const word = view.getUint32(at, true);
    const small = word >>> 16; // the length of an element of at most four bytes, which then follow
    const [type, length, start] = small > 0
      ? [word & 0xffff, small, at + 4]
      : [word, view.getUint32(at + 4, true), at + 8];
    if (start + length > bytes.length) throw new Error("it is cut short");
    yield { type, data: bytes.subarray(start, start + length) };
    at = small > 0 ? at + 8 : start + length;
    if (type !== miCOMPRESSED) at = Math.ceil(at / 8) * 8;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** An array's element: flags, dimensions, name, then what its class has. */
function parseArray({ type, data }: Element): { name: string; value: MatValue } {
  if (type !== miMATRIX) throw new Error(`an element of type ${type} stands where an array should`);
  if (data.length === 0) return { name: "", value: [] };
  const [flags, dimensions, named, ...rest] = elementsOf(data);
  const kind = numbersOf(flags!)[0]! & 0xff;
  const name = textOf(named!);
  if (kind === classes.char) return { name, value: rest[0] ? textOf(rest[0]) : "" };
  if (kind === classes.cell) return { name, value: rest.map((cell) => parseArray(cell).value) };
  if (kind === classes.struct) {
    const count = numbersOf(dimensions!).reduce((product, side) => product * side, 1);
    return { name, value: parseStructures(rest, count) };
  }
  if (kind >= classes.firstNumber && kind <= classes.lastNumber) {
    return { name, value: rest[0] ? numbersOf(rest[0]) : [] };
  }
  throw new Error(`"${name}" is an array of class ${kind}`);
}

/** Length of a field's name, all names, then the fields of the first structure, of the second, … */
function parseStructures([width, names, ...values]: readonly Element[], count: number) {
  const length = numbersOf(width!)[0]!;
  const fields = Array.from({ length: names!.data.length / length }, (_, i) => {
    return textOf({ type: 1, data: names!.data.subarray(i * length, (i + 1) * length) })
      .replace(/\0.*$/s, "");
  });
  return Array.from({ length: count }, (_, i): MatRecord =>
    Object.fromEntries(
      fields.map((field, f) => [field, parseArray(values[i * fields.length + f]!).value]),
    ));
}

function numbersOf({ type, data }: Element): number[] {
  const [bytes, read] = numbers[type] ?? [];
  if (bytes === undefined) throw new Error(`numbers of type ${type}`);
  const view = viewOf(data);
  return Array.from({ length: data.length / bytes }, (_, i) => read!(view, i * bytes));
}

function textOf(element: Element): string {
  if (element.type === 16) return new TextDecoder().decode(element.data);
  return String.fromCharCode(...numbersOf(element));
}
