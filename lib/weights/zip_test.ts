import { crc32, deflateRawSync } from "node:zlib";
import { unzip } from "./zip.ts";
import { weightsFile } from "./weights_file.ts";
import { assertEquals, assertRejects } from "lib/testing/assert.ts";

/** A member of an archive, and what its records say of it if not the truth. */
interface Member {
  readonly name: string;
  readonly content: Uint8Array;
  readonly deflated?: boolean;
  readonly says?: {
    readonly size?: number;
    readonly packed?: number;
    readonly name?: string;
    readonly flags?: number;
    readonly crc?: number;
  };
}

const encode = (text: string) => new TextEncoder().encode(text);

function record(...fields: readonly (readonly [bytes: 2 | 4, value: number])[]): number[] {
  return fields.flatMap(([bytes, value]) =>
    Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256)
  );
}

/** An archive as APPNOTE.TXT describes it: local headers and data, directory, end record. */
function zip(members: readonly Member[], saysCount = members.length): Uint8Array<ArrayBuffer> {
  const [bytes, directory]: [number[], number[]] = [[], []];
  for (const { name, content, deflated = false, says = {} } of members) {
    const packed = deflated ? deflateRawSync(content) : content;
    const length = says.packed ?? packed.length;
    const common = record(
      [2, 20],
      [2, says.flags ?? 0],
      [2, deflated ? 8 : 0],
      [4, 0],
      [4, says.crc ?? crc32(content)],
      [4, length],
      [4, says.size ?? (says.packed ?? content.length)],
      [2, name.length],
      [2, 0],
    );
    directory.push(...record([4, 0x02014b50], [2, 20]), ...common);
    directory.push(...record([2, 0], [2, 0], [2, 0], [4, 0], [4, bytes.length]));
    directory.push(...encode(says.name ?? name));
    bytes.push(...record([4, 0x04034b50]), ...common, ...encode(name), ...packed);
  }
  const count = record([2, 0], [2, 0], [2, saysCount], [2, saysCount]);
  const end = record([4, directory.length], [4, bytes.length], [2, 0]);
  return Uint8Array.from([...bytes, ...directory, ...record([4, 0x06054b50]), ...count, ...end]);
}

const unpack = (bytes: Uint8Array<ArrayBuffer>) => unzip(weightsFile("x.zip", bytes));
const text = { name: "a/text", content: encode("some text, some text, some text") };
const zeros = { name: "zeros", content: new Uint8Array(100_000), deflated: true };

Deno.test("unzip() unpacks stored and deflated members", async () => {
  const members = await unpack(zip([text, { ...text, name: "b", deflated: true }]));
  assertEquals([...members], [["a/text", text.content], ["b", text.content]]);
});

const next = { name: "b", content: encode("other") };
/** The content of `text`, run on over the whole of `next` after it. */
const withNext = zip([text, next]).slice(30 + 6, 30 + 6 + 31 + 30 + 1 + 5);

const damaged: Readonly<Record<string, readonly [Uint8Array<ArrayBuffer>, why: string]>> = {
  "other content": [zip([{ ...text, says: { crc: 1 } }]), "a/text in it is damaged"],
  "other content, deflated": [
    zip([{ ...text, deflated: true, says: { crc: 1 } }]),
    "a/text in it is damaged",
  ],
  "one name twice": [zip([text, text]), "holds a/text twice"],
  "two names for one file": [zip([{ ...text, says: { name: "a/next" } }]), "two names"],
  "files it does not count": [zip([text, { ...text, name: "b" }], 1), "more files than it says"],
  "a member inside another": [
    zip([{ ...text, says: { packed: withNext.length, crc: crc32(withNext) } }, next]),
    "overlap",
  ],
  "an encrypted member": [zip([{ ...text, says: { flags: 1, size: 19 } }]), "encrypted"],
  "more than it says": [zip([{ ...text, deflated: true, says: { size: 5 } }]), "to 5 bytes"],
  "less than it says": [zip([{ ...text, deflated: true, says: { size: 50 } }]), "a/text in it is"],
  "a thousandfold": [zip([zeros]), "over 5 times its own"],
  "no end": [zip([text]).slice(0, -30), "damaged"],
};

for (const [what, [bytes, why]] of Object.entries(damaged)) {
  Deno.test(`unzip() refuses ${what}`, async () => {
    await assertRejects(() => unpack(bytes), Error, `Cannot read weights from x.zip: `);
    await assertRejects(() => unpack(bytes), Error, why);
  });
}
