import { Outbox } from "lib/report/notebook/outbox.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

type Sent = [type: string, content: Record<string, unknown>];

function fakeKernel(fail = false): { sent: Sent[]; outbox: Outbox } {
  const sent: Sent[] = [];
  const broadcast = (type: string, content: Record<string, unknown>) => {
    sent.push([type, content]);
    return fail ? Promise.reject(new Error("the socket is gone")) : undefined;
  };
  return { sent, outbox: new Outbox({ broadcast }) };
}

Deno.test("Outbox joins lines written together, and sends the first at once", async () => {
  const { sent, outbox } = fakeKernel();
  outbox.write("stdout", "a\n");
  assertEquals(sent, [["stream", { name: "stdout", text: "a\n" }]]);
  for (const line of ["b\n", "c\n", "d\n"]) outbox.write("stdout", line);
  await outbox.settle();
  assertEquals(sent.slice(1), [["stream", { name: "stdout", text: "b\nc\nd\n" }]]);
});

Deno.test("Outbox keeps the order of text, errors and displays", async () => {
  const { sent, outbox } = fakeKernel();
  outbox.write("stdout", "1");
  outbox.write("stdout", "2");
  outbox.write("stderr", "3");
  outbox.display({ "text/plain": "4" });
  outbox.write("stdout", "5");
  await outbox.settle();
  const texts = sent.map(([, { text, data }]) =>
    text ?? (data as Record<string, string>)["text/plain"]
  );
  assertEquals(texts, ["1", "2", "3", "4", "5"]);
});

Deno.test("Outbox sends text within 100 ms though nobody settles", async () => {
  const { sent, outbox } = fakeKernel();
  outbox.write("stdout", "a");
  outbox.write("stdout", "b");
  await new Promise((resolve) => setTimeout(resolve, 100));
  assertEquals(sent.map(([, { text }]) => text), ["a", "b"]);
});

Deno.test("Outbox.settle() waits for what was sent, and not at all when nothing was", async () => {
  const { outbox } = fakeKernel();
  const seconds = async () => {
    const start = performance.now();
    await outbox.settle();
    return (performance.now() - start) / 1000;
  };
  let turned = false;
  const turn = setTimeout(() => turned = true); // fires at the event loop's next turn
  await outbox.settle();
  assertTrue(!turned, "nothing was sent, and it waited");
  clearTimeout(turn);
  outbox.display({ "text/plain": "x" });
  assertTrue(await seconds() >= 0.015, "one message");
  for (let i = 0; i < 100; i++) outbox.display({ "text/plain": "x" });
  assertTrue(await seconds() >= 0.065, "a hundred messages");
});

Deno.test("Outbox names the display that an update replaces, and survives a broken kernel", async () => {
  const { sent, outbox } = fakeKernel(true);
  outbox.display({ "text/plain": "x" }, { id: "bar" });
  outbox.display({ "text/plain": "y" }, { id: "bar", update: true });
  await outbox.settle();
  const ids = sent.map(([type, { transient }]) => [type, transient]);
  const transient = { display_id: "bar" };
  assertEquals(ids, [["display_data", transient], ["update_display_data", transient]]);
});
