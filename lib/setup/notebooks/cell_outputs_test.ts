import { type Output, OutputCollector, textOf } from "./cell_outputs.ts";
import { assertEquals } from "lib/testing/assert.ts";

const stream = (name: string, text: string) => ({ type: "stream", content: { name, text } });
const show = (text: string, id?: string, type = "display_data") => ({
  type,
  content: { data: { "text/plain": text }, metadata: {}, transient: id ? { display_id: id } : {} },
});

Deno.test("OutputCollector joins text of the same stream only", () => {
  const collector = new OutputCollector();
  const outputs = collector.startCell();
  collector.add(stream("stdout", "a"));
  collector.add(stream("stdout", "b\n"));
  collector.add(stream("stderr", "c"));
  collector.add(stream("stdout", "d"));
  assertEquals(outputs.map((o) => o.output_type === "stream" && o.text), ["ab\n", "c", "d"]);
});

Deno.test("OutputCollector updates a display wherever it was shown, also in an earlier cell", () => {
  const collector = new OutputCollector();
  const first = collector.startCell();
  collector.add(show("old", "x"));
  collector.add(show("other"));
  const second = collector.startCell();
  collector.add(show("old", "x"));
  collector.add(show("new", "x", "update_display_data"));
  collector.add(show("nowhere", "y", "update_display_data"));
  assertEquals(textOf(first), "new\nother\n");
  assertEquals(textOf(second), "new\n");
});

Deno.test("OutputCollector clears at once, or before the next output", () => {
  const collector = new OutputCollector();
  const outputs = collector.startCell();
  const clear = (wait: boolean) => collector.add({ type: "clear_output", content: { wait } });
  collector.add(show("a"));
  clear(false);
  assertEquals(outputs.length, 0);
  collector.add(stream("stdout", "b"));
  clear(true);
  assertEquals(textOf(outputs), "b");
  collector.add(stream("stdout", "c"));
  assertEquals(textOf(outputs), "c");
});

Deno.test("OutputCollector keeps results and errors as notebooks do", () => {
  const collector = new OutputCollector();
  const outputs = collector.startCell();
  const data = { "text/plain": "2" };
  collector.add({ type: "execute_result", content: { data, metadata: {}, execution_count: 7 } });
  const error = { ename: "TypeError", evalue: "boom", traceback: ["TypeError: boom"] };
  collector.add({ type: "error", content: error });
  const expected: Output[] = [
    { output_type: "execute_result", execution_count: 7, data, metadata: {} },
    { output_type: "error", ...error },
  ];
  assertEquals(outputs, expected);
  assertEquals(textOf(outputs), "2\nTypeError: boom\n");
});
