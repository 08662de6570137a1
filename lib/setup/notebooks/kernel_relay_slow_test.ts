/** What our kernel adds to Deno's, tried with a real one. */
import { fromFileUrl } from "@std/path";
import { jupyterEnv, kernelName, notebooksDir, python } from "lib/setup/install/project.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

/** See drive_kernel.py. */
type Action =
  | { do: "run"; as: string; code: string; cell?: string; page?: number }
  | { do: "see"; in: string; text: string }
  | { do: "end"; in: string }
  | { do: "ask"; page: number }
  | { do: "touch"; path: string }
  | { do: "forge" }
  | { do: "interrupt" };

interface Cell {
  readonly status: string | null;
  // deno-lint-ignore no-explicit-any -- Jupyter's execute_reply
  readonly reply: any;
  // deno-lint-ignore no-explicit-any -- the shape depends on the type; see Jupyter's messaging protocol
  readonly shown: readonly (readonly [type: string, content: any])[];
}

interface Answer {
  readonly cells: Readonly<Record<string, Cell>>;
  readonly processes: number;
  /** Processes of the kernel that outlived it. */
  readonly left: readonly number[];
}

/** Does things to a kernel, which leaves no temporary file behind. */
async function drive(...actions: Action[]): Promise<Answer> {
  const temporary = await Deno.makeTempDir();
  const child = new Deno.Command(python, {
    args: [fromFileUrl(new URL("drive_kernel.py", import.meta.url))],
    env: { ...jupyterEnv(), TMPDIR: temporary },
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  const request = { kernel: kernelName, cwd: notebooksDir, actions };
  await writer.write(new TextEncoder().encode(JSON.stringify(request)));
  await writer.close();
  const answer = JSON.parse(new TextDecoder().decode((await child.output()).stdout));
  assertEquals([...Deno.readDirSync(temporary)], []);
  await Deno.remove(temporary);
  return answer;
}

function statuses({ cells }: Answer): (string | null)[] {
  return Object.values(cells).map(({ status }) => status);
}

function textOf({ shown }: Cell): string {
  return shown.map(([, { text, data }]) => text ?? data?.["text/plain"] ?? "").join("");
}

const run = (as: string, code: string, more: { cell?: string; page?: number } = {}): Action => ({
  do: "run",
  as,
  code,
  ...more,
});
const end = (cell: string): Action => ({ do: "end", in: cell });
const see = (cell: string, text: string): Action => ({ do: "see", in: cell, text });

/** Shows a display that is updated for ever, until an interrupt; then it ends, or throws. */
const loop = (atEnd: string) => `
  let stopped = false;
  Deno.addSignalListener("SIGINT", () => stopped = true);
  const show = (n, update) => Deno.jupyter.broadcast(update ? "update_display_data" : "display_data", {
    data: { "text/plain": "at " + n }, metadata: {}, transient: { display_id: "bar" },
  });
  console.log("begun");
  await show(0, false);
  for (let n = 1; !stopped; n++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    await show(n, true);
  }
  console.log("stopping");
  ${atEnd}`;

/** Code that waits until a file is there, and that file's path. */
async function gate(): Promise<{ readonly code: string; readonly path: string }> {
  const path = await Deno.makeTempFile();
  await Deno.remove(path);
  const isClosed = `await Deno.stat(${JSON.stringify(path)}).then(() => false, () => true)`;
  const code = `while (${isClosed}) await new Promise((resolve) => setTimeout(resolve, 50));`;
  return { code, path };
}

Deno.test("a cell that fails ends the queue, and what is run later runs", async () => {
  const { code, path } = await gate();
  const answer = await drive(
    run("a", `${code} throw new Error("no")`),
    run("b", "1"),
    run("c", "2"),
    { do: "ask", page: 0 }, // answered by the relay, which then has the cells before it
    { do: "touch", path },
    end("c"),
    run("d", "3"),
    end("d"),
  );
  await Deno.remove(path);
  assertEquals(statuses(answer), ["error", "aborted", "aborted", "ok"]);
  assertEquals([answer.cells.b!.shown, answer.cells.c!.shown], [[], []]);
});

Deno.test("a cell that cannot be parsed says where and why, once", async () => {
  const { cells: { bad, worse } } = await drive(
    run("bad", "const a = 1;\nconst b = [1, 2;"),
    end("bad"),
    run("worse", "const a; // V8 finds this one"),
    end("worse"),
  );
  const { status, ...said } = bad!.reply;
  const evalue = "Expected ',', got ';' (line 2, column 16)";
  assertEquals([status, said.ename, said.evalue], ["error", "SyntaxError", evalue]);
  assertEquals(bad!.shown.map(([type]) => type), ["error"]);
  assertEquals(bad!.shown[0]![1].traceback, [
    `SyntaxError: ${evalue}`,
    "  |",
    "2 | const b = [1, 2;",
    "  |                ~",
  ]);
  assertEquals(worse!.shown.map(([type, { ename }]) => [type, ename]), [["error", "SyntaxError"]]);
});

for (const [how, atEnd, status] of [["ends well", "'done'", "ok"], ["fails", "throw 1", "error"]]) {
  Deno.test(`an interrupt ends the queue when the cell ${how}; what is sent while it stops still runs`, async () => {
    const answer = await drive(
      run("a", loop(`await new Promise((resolve) => setTimeout(resolve, 300)); ${atEnd}`)),
      run("b", "1"),
      see("a", "at 5"),
      { do: "interrupt" },
      see("a", "stopping"),
      run("c", "2"),
      end("c"),
    );
    assertEquals(statuses(answer), [status, "aborted", "ok"]);
  });
}

Deno.test("an interrupt of an idle kernel does nothing, though nobody listens in it", async () => {
  const answer = await drive(
    run("a", "let kept = 5;"),
    end("a"),
    { do: "interrupt" },
    { do: "ask", page: 0 },
    run("b", "kept"),
    end("b"),
  );
  assertEquals(statuses(answer), ["ok", "ok"]);
  assertEquals(textOf(answer.cells.b!), "5");
});

Deno.test("a cell that is run again while it runs goes on showing it, and one interrupt stops both", async () => {
  const answer = await drive(
    run("first", loop("throw new Error('stopped')"), { cell: "one" }),
    run("other", "1"),
    see("first", "at 5"),
    run("second", loop("throw new Error('stopped')"), { cell: "one" }),
    see("second", "begun"),
    see("second", "running already"),
    { do: "ask", page: 1 }, // a page is loaded while the kernel is busy
    run("reloaded", loop("throw new Error('stopped')"), { cell: "one", page: 1 }),
    see("reloaded", "update_display_data"),
    { do: "interrupt" },
    end("reloaded"),
  );
  assertEquals(statuses(answer), ["error", "aborted", "aborted", "aborted"]);
  const { first, other, second, reloaded } = answer.cells;
  assertEquals(other!.shown, []);
  for (const cell of [second!, reloaded!]) {
    const types = cell.shown.map(([type]) => type);
    assertEquals(types.slice(0, 3), ["stream", "stream", "display_data"]); // the bar has its place again
    const shownAt = Number(cell.shown[2]![1].data["text/plain"].slice("at ".length));
    assertTrue(shownAt >= 5, `the newest state, not the first: ${shownAt}`);
  }
  assertTrue(first!.shown.every(([type]) => type !== "error"), "its cell shows another");
  assertEquals(reloaded!.shown.at(-1)![1].evalue, "stopped");
  assertEquals([answer.processes, answer.left], [2, []]); // the relay and Deno, which end together
});

Deno.test("a cell that is run again runs once more when it is done, on a cleared output", async () => {
  const { code: wait, path } = await gate();
  const code = `globalThis.count = (globalThis.count ?? 0) + 1;
    console.log("run", count);
    ${wait}
    count;`;
  const answer = await drive(
    run("first", code, { cell: "one" }),
    see("first", "run 1"),
    run("second", code, { cell: "one" }),
    see("second", "running already"),
    { do: "touch", path },
    end("second"),
  );
  await Deno.remove(path);
  assertEquals(statuses(answer), ["ok", "ok"]);
  const types = answer.cells.second!.shown.map(([type]) => type);
  const cleared = types.indexOf("clear_output");
  assertTrue(cleared > 0, types.join());
  const after = answer.cells.second!.shown.slice(cleared + 1);
  assertEquals(textOf({ ...answer.cells.second!, shown: after }), "run 2\n2");
});

Deno.test("a cell may ask for input", async () => {
  const { cells: { ask } } = await drive(run("ask", "prompt('name')"), end("ask"));
  assertTrue(textOf(ask!).includes("answer to name"), textOf(ask!));
});

Deno.test("a message that nobody signed, or that is none, is ignored, and the kernel lives", async () => {
  const { cells, ...answer } = await drive(
    { do: "forge" },
    run("a", "globalThis.forged ?? 'clean'"),
    end("a"),
  );
  assertEquals(textOf(cells.a!), '"clean"');
  assertEquals(answer.left, []);
});

Deno.test({
  name: "two kernels that start at once cannot take each other's ports",
  ignore: Deno.build.os !== "linux", // elsewhere 127.0.0.1 is the one loopback address
  fn: async () => {
    const program = `
import socket
from kernel_relay import free_ports, own_loopback
ip = own_loopback()
taken = [socket.create_server(("127.0.0.1", port)) for port in free_ports(ip, 5)]
print(ip, len([socket.create_server((ip, end.getsockname()[1])) for end in taken]))`;
    const start = async () => {
      const { stdout } = await new Deno.Command(python, {
        args: ["-c", program],
        cwd: fromFileUrl(new URL(".", import.meta.url)),
        env: jupyterEnv(),
      }).output();
      return new TextDecoder().decode(stdout).trim().split(" ");
    };
    const [[ip, ports], [other]] = await Promise.all([start(), start()]);
    assertEquals(ports, "5");
    assertTrue(ip !== other && ip !== "127.0.0.1", `${ip} and ${other}`);
  },
});
