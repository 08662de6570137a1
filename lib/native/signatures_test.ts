import { kernels } from "lib/native/_kernels.ts";
import { nativeStatus } from "lib/native/mod.ts";
import { signatures, signaturesHeader } from "lib/native/signatures.ts";
import { tfOpOutputs } from "lib/tf_op.ts";
import { assertEquals, assertThrows, assertTrue } from "lib/testing/assert.ts";

const names = Object.keys(signatures);

Deno.test("signatures name the operations that the C++ registers, each once", () => {
  const folder = `${import.meta.dirname}/src/ops`;
  const code = [...Deno.readDirSync(folder)].map(({ name }) =>
    Deno.readTextFileSync(`${folder}/${name}`)
  ).join("\n");
  const registered = [...code.matchAll(/^BCSSL_OP\((\w+), \w+\);$/gm)].map(([, name]) => name!);
  assertEquals(registered.sort(), names.toSorted());
});

Deno.test("signaturesHeader() has lists, attributes and state as REGISTER_OP takes them", () => {
  const lines = signaturesHeader().split("\n");
  const line = (name: string) => lines.find((text) => text.includes(`_${name} `));
  assertEquals(
    line("LinearGradWeight"),
    '#define BCSSL_SIGNATURE_LinearGradWeight .Attr("N: int >= 0") .Attr("bf16: int") .Input("dy: float") ' +
      '.Input("x: float") .Input("weight: float") .Input("bias: N * float") ' +
      '.Output("dweight: float") .Output("dbias: N * float")',
  );
  assertEquals(
    line("AdamW"),
    '#define BCSSL_SIGNATURE_AdamW .Attr("N: int >= 1") .SetIsStateful() ' +
      '.Input("weights: N * float") .Input("grads: N * float") .Input("first: N * float") ' +
      '.Input("second: N * float") .Input("factors: float") .Output("new_weights: N * float")',
  );
  assertEquals(
    line("Patches"),
    '#define BCSSL_SIGNATURE_Patches .Attr("size: int") .Input("x: float") ' +
      '.Output("patches: float")',
  );
});

Deno.test({
  name: "TensorFlow knows every operation of the signatures",
  ignore: !nativeStatus().active,
  fn() {
    for (const name of names) {
      const message = messageOf(() => tfOpOutputs(`Bcssl${name}`, [], {}, 1));
      assertTrue(!/neither a type of a primitive/.test(message), `${name}: ${message}`);
    }
    assertTrue(
      /neither a type of a primitive/.test(messageOf(() => tfOpOutputs("BcsslNone", [], {}, 1))),
      "none",
    );
  },
});

function messageOf(body: () => void): string {
  try {
    body();
  } catch (error) {
    return String(error);
  }
  return "";
}

Deno.test("a kernel refuses an attribute that its operation does not have, and a missing one", () => {
  const { kernelFunc } = kernels.find(({ kernelName }) => kernelName === "bcssl/Patches")!;
  const run = (attrs: Record<string, number>) =>
    kernelFunc({ inputs: [] as never, attrs, backend: {} });
  assertThrows(() => run({ stride: 2 }), TypeError, "its attributes are size; given are stride");
  assertThrows(() => run({}), TypeError, "given are none");
  assertThrows(() => run({ size: 2, stride: 2 }), TypeError, "given are size, stride");
});
