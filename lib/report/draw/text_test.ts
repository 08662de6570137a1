import { captionWidth, escapeText, escapeXml, fittingCaption } from "lib/report/draw/text.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("escapeText() and escapeXml() leave no mark that ends text or an attribute", () => {
  const text = 'R&D <b> "A" &amp;';
  assertEquals(escapeText(text), 'R&amp;D &lt;b&gt; "A" &amp;amp;');
  assertEquals(escapeXml(text), "R&amp;D &lt;b&gt; &quot;A&quot; &amp;amp;");
});

Deno.test("fittingCaption() is as wide as its room, never empty, and says where it was cut", () => {
  assertEquals(fittingCaption("sneaker", captionWidth("sneaker")), "sneaker");
  const cut = fittingCaption("ankle boot", 40);
  assertEquals([cut.at(-1), "ankle boot".startsWith(cut.slice(0, -1))], ["…", true]);
  assertTrue(captionWidth(cut) <= 40, `${cut} is ${captionWidth(cut)} wide`);
  assertEquals(fittingCaption("boot", 0), "…");
});
