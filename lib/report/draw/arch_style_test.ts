import { archLegend, archStyles, familyOf } from "lib/report/draw/arch_style.ts";
import { assertEquals, assertTrue } from "lib/testing/assert.ts";

Deno.test("familyOf() drops sizes and knows the paper's short names", () => {
  const names = ["BC-SSL-T", "BC-SSL", "ConvNeXt-T", "ResNet-50", "RN50", "Swin-S", "mine"];
  assertEquals(names.map(familyOf), [
    ...["BC-SSL", "BC-SSL", "ConvNeXt", "ResNet", "ResNet", "Swin", "mine"],
  ]);
});

Deno.test("archStyles() gives a family the same style in every figure", () => {
  const [one, other] = [archStyles(["Swin-T", "BC-SSL-T"]), archStyles(["ViT-S", "BC-SSL"])];
  assertEquals(one.get("BC-SSL-T"), other.get("BC-SSL"));
  assertTrue(one.get("Swin-T") !== one.get("BC-SSL-T"), "two families, two styles");
});

Deno.test("archStyles() tells seven names apart by colour and by symbol, of one family too", () => {
  const names = ["mine", "BC-SSL-T", "BC-SSL-S", "ConvNeXt", "Swin", "ViT", "ResNet"];
  const styles = [...archStyles(names).values()];
  assertEquals(new Set(styles.map(({ colour }) => colour)).size, 7);
  assertEquals(new Set(styles.map(({ symbol }) => symbol)).size, 7);
  assertEquals(archStyles(names).get("BC-SSL-T"), archStyles(["BC-SSL"]).get("BC-SSL"));
  const more = Array.from({ length: 42 }, (_, i) => `more ${i}`);
  const pairs = [...archStyles([...names, ...more]).values()].map(({ colour, symbol }) =>
    `${colour} ${symbol}`
  );
  assertEquals(new Set(pairs).size, 49);
  assertEquals(archStyles([...names, ...more, "fiftieth"]).size, 50);
});

Deno.test("archStyles() of two groups: ours looks as the paper's", () => {
  const styles = archStyles(["BC-SSL", "ConvNeXt"], ["BC-SSL-T", "Swin-T"]);
  assertEquals(styles.get("BC-SSL"), styles.get("BC-SSL-T"));
  const legend = archLegend(styles, 640);
  assertEquals(["BC-SSL<", "BC-SSL-T<", "ConvNeXt<", "Swin-T<"].map((n) => legend.includes(n)), [
    ...[true, false, true, true],
  ]);
});
