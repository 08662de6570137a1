/** A server on this machine that drops connections, ignores ranges, and lies. */
import { createHash } from "node:crypto";
import { checkFile, download, partialPath } from "./download.ts";
import { assertEquals, assertRejects, assertTrue } from "lib/testing/assert.ts";

const content = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) % 251);
const sha256 = createHash("sha256").update(content).digest("hex");

interface Behaviour {
  /** Bytes after which each connection breaks. */
  readonly dropAfter?: number;
  readonly ignoresRange?: boolean;
  readonly etag?: () => string;
  readonly status?: number;
  /** What is served instead of `content`. */
  readonly body?: Uint8Array;
}

/** Runs with the address of a server, and a list of the ranges it was asked for. */
async function withServer(
  behaviour: Behaviour,
  run: (url: string, ranges: (string | null)[], path: string) => Promise<void>,
): Promise<void> {
  const ranges: (string | null)[] = [];
  const answer = (request: Headers) => {
    ranges.push(request.get("range"));
    return respond(request, behaviour);
  };
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = serve(listener, answer, behaviour.dropAfter);
  const folder = await Deno.makeTempDir();
  try {
    const { port } = listener.addr as Deno.NetAddr;
    await run(`http://127.0.0.1:${port}/x.pth`, ranges, `${folder}/weights/x.pth`);
  } finally {
    listener.close();
    await served;
    await Deno.remove(folder, { recursive: true });
  }
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/**
 * Answers one request on each connection, and closes it after a number of bytes of the body. It
 * uses plain TCP, where all bytes before the close arrive; an HTTP server may drop them.
 */
async function serve(
  listener: Deno.Listener,
  answer: (request: Headers) => Answer,
  dropAfter = Infinity,
): Promise<void> {
  for await (const connection of listener) {
    const { status, headers, body } = answer(await readHead(connection));
    headers.set("connection", "close");
    const fields = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const head = new TextEncoder().encode(`HTTP/1.1 ${status} ${phrases[status]}\r\n${fields}\r\n`);
    for (const bytes of [head, body.subarray(0, dropAfter)]) {
      for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
    }
    connection.close();
  }
}

const phrases: Readonly<Record<number, string>> = {
  200: "OK",
  206: "Partial Content",
  404: "Not Found",
  416: "Range Not Satisfiable",
};

/** The headers of a request, which has no body. */
async function readHead(connection: Deno.Conn): Promise<Headers> {
  let text = "";
  const buffer = new Uint8Array(4096);
  while (!text.endsWith("\r\n\r\n")) {
    const read = await connection.read(buffer);
    if (read === null) break;
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
  const lines = text.split("\r\n").slice(1).filter((line) => line !== "");
  return new Headers(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
}

function respond(request: Headers, behaviour: Behaviour): Answer {
  const { ignoresRange, etag, status, body = content } = behaviour;
  const none = new Uint8Array();
  if (status) return { status, headers: new Headers({ "content-length": "0" }), body: none };
  const tag = etag?.();
  const match = /^bytes=(\d+)-$/.exec(request.get("range") ?? "");
  const changed = request.has("if-range") && request.get("if-range") !== tag;
  const from = match && !ignoresRange && !changed ? Number(match[1]) : 0;
  const headers = new Headers({ "content-length": String(Math.max(body.length - from, 0)) });
  if (from >= body.length) {
    headers.set("content-range", `bytes */${body.length}`);
    return { status: 416, headers, body: none };
  }
  if (tag) headers.set("etag", tag);
  if (from > 0) headers.set("content-range", `bytes ${from}-${body.length - 1}/${body.length}`);
  return { status: from > 0 ? 206 : 200, headers, body: body.subarray(from) };
}

const filesBeside = (path: string) =>
  [...Deno.readDirSync(path.slice(0, path.lastIndexOf("/")))].map(({ name }) => name).sort();

Deno.test("download() fetches a file, tells how far it is, and leaves nothing beside it", () =>
  withServer({}, async (url, ranges, path) => {
    const seen: (readonly [number, number | null])[] = [];
    const onProgress = (done: number, total: number | null) => void seen.push([done, total]);
    await download(url, path, {
      bytes: 300_000,
      digest: { algorithm: "sha256", hex: sha256 },
      onProgress,
    });
    assertEquals(await Deno.readFile(path), content);
    assertEquals(seen.at(-1), [300_000, 300_000]);
    assertEquals(ranges, [null]);
    assertEquals(filesBeside(path), ["x.pth"]);
  }));

Deno.test("download() goes on in the same call when connections break", () =>
  withServer({ dropAfter: 90_000, etag: () => '"1"' }, async (url, ranges, path) => {
    await download(url, path, { bytes: 300_000 });
    assertEquals(await Deno.readFile(path), content);
    assertEquals(ranges, [null, "bytes=90000-", "bytes=180000-", "bytes=270000-"]);
    assertEquals(filesBeside(path), ["x.pth"]);
  }));

Deno.test("download() goes on in the next call from what an earlier one has left", () =>
  withServer({}, async (url, ranges, path) => {
    await Deno.mkdir(path.slice(0, -"/x.pth".length));
    await Deno.writeFile(partialPath(path), content.subarray(0, 123_456));
    await download(url, path);
    assertEquals(await Deno.readFile(path), content);
    assertEquals(ranges, ["bytes=123456-"]);
  }));

Deno.test("download() takes what was left for finished if the server says so", () =>
  withServer({}, async (url, ranges, path) => {
    await Deno.mkdir(path.slice(0, -"/x.pth".length));
    await Deno.writeFile(partialPath(path), content);
    await download(url, path, { digest: { algorithm: "sha256", hex: sha256 } });
    assertEquals(await Deno.readFile(path), content);
    assertEquals(ranges, ["bytes=300000-"]);
  }));

Deno.test("download() begins again if what was left is longer than the file", () =>
  withServer({}, async (url, ranges, path) => {
    await Deno.mkdir(path.slice(0, -"/x.pth".length));
    await Deno.writeFile(partialPath(path), new Uint8Array(300_001));
    await download(url, path);
    assertEquals(await Deno.readFile(path), content);
    assertEquals(ranges, ["bytes=300001-", null]);
  }));

Deno.test("download() begins again where the server does not resume", () =>
  withServer({ ignoresRange: true }, async (url, ranges, path) => {
    await Deno.mkdir(path.slice(0, -"/x.pth".length));
    await Deno.writeFile(partialPath(path), new Uint8Array(100_000).fill(7));
    await download(url, path, { bytes: 300_000 });
    assertEquals(await Deno.readFile(path), content);
    assertEquals(ranges, ["bytes=100000-"]);
  }));

Deno.test("download() begins again where the file has changed since", () => {
  const tags = ['"old"', '"new"', '"new"', '"new"', '"new"'];
  return withServer(
    { dropAfter: 200_000, etag: () => tags.shift()! },
    async (url, ranges, path) => {
      // The same 200,000 bytes come twice, which is no progress.
      await assertRejects(() => download(url, path), Error, "Cannot download");
      assertEquals(ranges, [null, "bytes=200000-"]);
      await download(url, path);
      assertEquals(await Deno.readFile(path), content);
    },
  );
});

Deno.test("download() refuses a file of another digest or length, and keeps none of it", () =>
  withServer({}, async (url, _, path) => {
    const wrong: readonly (readonly [object, string])[] = [
      [
        { digest: { algorithm: "sha256", hex: "0".repeat(64) } },
        `sha256 ${sha256.slice(0, 16)}…, published is 0000`,
      ],
      [
        { digest: { algorithm: "sha256", hex: "12345678" } },
        `sha256 ${sha256.slice(0, 8)}…, published is 12345678…`,
      ],
      [{ digest: { algorithm: "md5", hex: "cf0f22" } }, "md5 "],
      [{ bytes: 299_999 }, "has 300000 bytes, published are 299999"],
    ];
    for (const [expected, why] of wrong) {
      await assertRejects(() => download(url, path, expected), Error, why);
      assertEquals(filesBeside(path), []);
    }
    await assertRejects(() => download(url, path, { bytes: 1 }), Error, `put it at ${path}`);
    // A short digest, as torch.hub has it in file names.
    const prefix = { algorithm: "sha256", hex: sha256.slice(0, 8) } as const;
    await download(url, path, { digest: prefix });
    assertEquals(await checkFile(path, {}), sha256);
  }));

Deno.test("download() says in one line what the server answered, and where to put the file by hand", () =>
  withServer({ status: 404 }, async (url, _, path) => {
    const answer = `Cannot download ${url} (the server answered 404 Not Found): `;
    await assertRejects(() => download(url, path), Error, answer);
    await assertRejects(
      () => download(url, path),
      Error,
      `fetch it elsewhere and put it at ${path}`,
    );
  }));

Deno.test("download() says so in one line if the address is out of reach", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const url = "http://127.0.0.1:2/x.pth"; // a port that no program uses
    const message = await download(url, `${folder}/x.pth`).catch((error: Error) => error.message);
    assertTrue(message.startsWith(`Cannot download ${url} (`), message);
    assertTrue(message.includes(`put it at ${folder}/x.pth`), message);
    assertTrue(
      message.includes("refused") && !message.includes("\n"),
      `why, in one line: ${message}`,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("download() gives up a connection that says nothing, and stops when it is told to", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(content) })),
  );
  const folder = await Deno.makeTempDir();
  const path = `${folder}/x.pth`;
  try {
    const url = `http://127.0.0.1:${server.addr.port}/x.pth`;
    const slow = () => download(url, path, { patience: 1 });
    await assertRejects(slow, Error, "nothing came for 1 seconds");
    assertEquals((await Deno.stat(partialPath(path))).size, content.length);
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error("stopped by hand"));
    await assertRejects(
      () => download(url, path, { signal: stop.signal, onProgress }),
      Error,
      "stopped by hand",
    );
  } finally {
    await server.shutdown();
    await Deno.remove(folder, { recursive: true });
  }
});
