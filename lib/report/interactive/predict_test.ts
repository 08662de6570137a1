import { answerOutput, questionOutput } from "./predict.ts";
import { partOutput } from "./part.ts";
import { assertEquals, assertRejects, assertThrows, assertTrue } from "lib/testing/assert.ts";

const named = { id: "a/best", ask: "Is <1> first?", choices: ["<1>", "2", "3"] };
const ranges = { ...named, id: "a/gain", choices: ["less", "same", "more"] };
const gain = { ...ranges, bounds: [-1, 1], unit: "points" };
const curve = {
  ...{ id: "a/curve", ask: "Draw.", x: [3, 5, 9], y: [0, 10] as const, unit: "points" },
  labels: { x: "kernel size", y: "k-NN (%)" },
};

Deno.test("questionOutput() holds the question as text that needs no script, and nothing from elsewhere", async () => {
  for (const question of [named, gain, curve]) {
    const { "text/html": html, "text/plain": text } = await questionOutput(question);
    const bare = html!.replace(/<script>[^]*<\/script>/, "");
    const ask = question.ask.replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    assertTrue(bare.includes(ask) && text!.includes(question.ask), text!);
    assertTrue(!/\bsrc="(?!data:)|<link|@import|fetch\(/.test(html!), "loads nothing");
    assertTrue(html!.length < 30_000, `${html!.length} characters`);
  }
  const { "text/html": list } = await questionOutput(named);
  assertTrue(list!.includes("<li>&lt;1&gt;</li><li>2</li><li>3</li>"), list!);
  assertTrue("image/png" in await questionOutput(curve), "a still of the axes");
});

Deno.test("the output of a question is the same whatever the answer, and equal ones have equal names", async () => {
  const once = await questionOutput(named);
  await answerOutput(named, "2");
  assertEquals(await questionOutput(named), once);
  const nameOf = (html: string | undefined) => /data-part="(\w+)"/.exec(html!)![1];
  const other = await questionOutput({ ...named, id: "b/best" });
  assertTrue(nameOf(once["text/html"]) !== nameOf(other["text/html"]), "other questions do not");
});

Deno.test("answerOutput() says the answer without a script: a name, a number with its range, points", async () => {
  const textOf = async (...args: Parameters<typeof answerOutput>) =>
    (await answerOutput(...args))["text/plain"]!.split("\n").at(-1);
  assertEquals(await textOf(named, "<1>"), "The result: <1>");
  for (
    const [value, says] of [[-2.345, "less (−2.35"], [-1, "same (−1"], [1, "more (1"]] as const
  ) {
    assertEquals(await textOf(gain, value), `The result: ${says} points)`);
  }
  const points = [[3, 1], [9, 12.5]] as const;
  assertEquals(await textOf(curve, points), "The result: 3: 1, 9: 12.5");
  const { "text/html": html } = await answerOutput(curve, points);
  assertTrue(html!.includes('"domain":[3,9],"y":[0,12.5]'), "the axis is long enough");
  const { "text/html": wide } = await answerOutput(curve, [[3, 1], [31, 2]]);
  assertTrue(wide!.includes('"x":[3,5,9],"domain":[3,31],"y":[0,10]'), "also for other x");
  assertEquals(await textOf(named, "4"), "The result: 4 (which was not among the choices)");
});

Deno.test("a question that cannot be answered, and an answer that is none, are refused", async () => {
  const refused: [object, string][] = [
    [{ id: "no_slash" }, '"no_slash": need an id such as'],
    [{ choices: ["a"] }, "two different choices or more, got a"],
    [{ choices: ["a", "a"] }, "two different choices or more"],
    [{ bounds: [1], unit: "points" }, "need 2 rising bounds, got 1"],
    [{ bounds: [1, 1], unit: "points" }, "need 2 rising bounds"],
    [{ ...curve, x: [3] }, "two rising x"],
    [{ ...curve, x: [3, 3] }, "two rising x"],
    [{ ...curve, y: [1, 1] }, "a rising range of y, got 1 to 1"],
  ];
  for (const [change, message] of refused) {
    await assertRejects(() => questionOutput({ ...named, ...change }), RangeError, message);
  }
  await assertRejects(() => answerOutput(gain, NaN), RangeError, "the result is not a number");
  await assertRejects(() => answerOutput(curve, []), RangeError, "need points of numbers");
  await assertRejects(() => answerOutput(curve, [[3, NaN]]), RangeError, "need points of numbers");
});

Deno.test("partOutput() refuses an output of more than 1 MB", () => {
  const part = { kind: "predict", body: "x".repeat(1_100_000), data: {}, text: "" } as const;
  assertThrows(() => partOutput(part), RangeError, "it would have 1.1 MB, at most 1 is allowed");
});

Deno.test("data of an output cannot end its script", () => {
  const part = { kind: "predict", body: "", data: { id: "</script><b>" }, text: "" } as const;
  const html = partOutput(part)["text/html"]!;
  assertEquals(html.match(/<\/script>/g)!.length, 1);
});
