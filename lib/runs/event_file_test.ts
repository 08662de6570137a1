import {
  crc32c,
  openEventFile,
  record,
  removeEventFiles,
  scalars,
  startOfFile,
  startOfSession,
} from "./event_file.ts";
import { assertEquals, assertThrows } from "lib/testing/assert.ts";

const golden = JSON.parse(
  await Deno.readTextFile(new URL("./golden/event_file.json", import.meta.url)),
) as {
  readonly time: number;
  readonly step: number;
  readonly scalars: Record<string, number>;
  readonly startOfFile: number[];
  readonly startOfSession: number[];
  readonly event: number[];
};

Deno.test("crc32c() gives the published check value", () => {
  assertEquals(crc32c(new TextEncoder().encode("123456789")), 0xe3069283);
});

Deno.test("the records of an event file are those of TensorBoard's own writer, byte for byte", () => {
  const { time, step } = golden;
  assertEquals([...record(startOfFile(time))], golden.startOfFile);
  assertEquals([...record(startOfSession(time, step))], golden.startOfSession);
  assertEquals([...record(scalars(time, step, golden.scalars))], golden.event);
});

Deno.test("openEventFile() starts a file of its own, from the step after those done", () => {
  const folder = Deno.makeTempDirSync();
  try {
    {
      using file = openEventFile(folder, 7);
      file.write({ step: 8, metrics: golden.scalars });
    }
    const [{ name }] = [...Deno.readDirSync(folder)] as [Deno.DirEntry];
    const written = Deno.readFileSync(`${folder}/${name}`);
    const lengths = [startOfFile(0), startOfSession(0, 8), scalars(0, 8, golden.scalars)]
      .map((event) => record(event).length);
    assertEquals(written.length, lengths.reduce((sum, length) => sum + length));
    // length and checksum, wall time, the step's field
    assertEquals(written[lengths[0]! + 12 + 9 + 1], 8);
    Deno.writeTextFileSync(`${folder}/other`, "");
    removeEventFiles(folder);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["other"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  assertThrows(() => openEventFile("/proc/none", 0), Error, "Cannot write /proc/none");
});
