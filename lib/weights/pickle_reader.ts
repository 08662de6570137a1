/** The numbers and texts of a pickle, one after the other. */

/** Bytes to read from, and how to say no. */
export interface PickleSource {
  readonly bytes: Uint8Array;
  refuse(why: string): Error;
}

const maxIntegerBytes = 512; // the longest that torch.save writes by itself has 10

/** Reads from `at` on; each read moves it. All of them throw where the bytes end. */
export class PickleReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(private readonly source: PickleSource, public at: number) {
    this.bytes = source.bytes;
    const { buffer, byteOffset, byteLength } = source.bytes;
    this.view = new DataView(buffer, byteOffset, byteLength);
  }

  /** The position of the next `count` bytes, which are then passed. */
  private pass(count: number): number {
    const from = this.at;
    if (count > this.bytes.length - from) throw this.source.refuse("its pickle is cut short");
    this.at += count;
    return from;
  }

  byte(): number {
    return this.view.getUint8(this.pass(1));
  }

  /** An unsigned little-endian integer. */
  uint(size: 1 | 2 | 4 | 8): number {
    const from = this.pass(size);
    if (size === 1) return this.view.getUint8(from);
    if (size === 2) return this.view.getUint16(from, true);
    if (size === 4) return this.view.getUint32(from, true);
    return Number(this.view.getBigUint64(from, true));
  }

  int32(): number {
    return this.view.getInt32(this.pass(4), true);
  }

  /** Pickle's only big-endian number. */
  float64(): number {
    return this.view.getFloat64(this.pass(8));
  }

  raw(length: number): Uint8Array {
    const from = this.pass(length);
    return this.bytes.subarray(from, from + length);
  }

  text(length: number): string {
    const bytes = this.raw(length);
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      throw this.source.refuse("its pickle holds text that is not UTF-8");
    }
  }

  /** A decimal integer, with or without Python 2's `L`; `00` and `01` are false and true. */
  integerLine(): number | bigint | boolean {
    const text = this.line();
    if (text === "00" || text === "01") return text === "01";
    if (!/^[-+]?\d{1,150}L?$/.test(text)) throw this.source.refuse("its pickle holds no integer");
    const value = BigInt(text.replace(/^\+|L$/g, ""));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  /** A decimal number. */
  floatLine(): number {
    const text = this.line().replace(/^([-+]?)inf$/, "$1Infinity");
    const value = Number(text);
    if (text === "nan" || !Number.isNaN(value)) return value;
    throw this.source.refuse("its pickle holds no number");
  }

  /** A position in the memo. */
  indexLine(): number {
    const index = this.integerLine();
    if (typeof index === "number" && index >= 0) return index;
    throw this.source.refuse("its pickle refers to what it did not say before");
  }

  /** Text with Python's escapes `\\uxxxx` and `\\Uxxxxxxxx`. */
  escapedLine(): string {
    return this.line().replace(
      /\\u([\da-fA-F]{4})|\\U([\da-fA-F]{8})/g,
      (all, short, long) => {
        const code = parseInt(short ?? long, 16);
        return code < 0x110000 ? String.fromCodePoint(code) : all;
      },
    );
  }

  /** Text between quotes, with Python's escapes of single bytes. */
  quotedLine(): string {
    const [, , text] = /^(['"])(.*)\1$/s.exec(this.line()) ?? [];
    if (text === undefined) throw this.source.refuse("its pickle holds text without quotes");
    const single: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t" };
    return text.replace(
      /\\x([\da-f]{2})|\\(.)/gis,
      (_, hex, other) => hex ? String.fromCharCode(parseInt(hex, 16)) : single[other] ?? other,
    );
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) throw this.source.refuse("its pickle is cut short");
    const text = this.text(end - this.at);
    this.at++;
    return text;
  }

  /** A two's complement integer; a number where that is exact. */
  integer(length: number): number | bigint {
    if (length > maxIntegerBytes) {
      throw this.source.refuse(`its pickle holds an integer of ${length} bytes`);
    }
    let value = 0n;
    this.raw(length).forEach((byte, i) => value |= BigInt(byte) << BigInt(8 * i));
    value = BigInt.asIntN(8 * length, value);
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
}
