import { Matrix, SingularValueDecomposition } from "ml-matrix";
import { createRng } from "lib/rng.ts";
import { principalComponents, projections } from "lib/explain/principal_components.ts";
import { assertClose, assertThrows } from "lib/testing/assert.ts";

/** Correlated rows `[count, channels]` with a mean that is not 0. */
function rowsOf(count: number, channels: number): Float32Array {
  const rng = createRng(1);
  const common = Array.from({ length: count }, () => rng.normal());
  return Float32Array.from({ length: count * channels }, (_, i) => {
    const [row, channel] = [Math.floor(i / channels), i % channels];
    return 3 - channel + common[row]! * (channel + 1) + rng.normal();
  });
}

for (const [count, channels] of [[40, 6], [5, 8], [2, 3]] as const) {
  Deno.test(`principalComponents() agrees with a singular value decomposition of ${count} rows of ${channels}`, () => {
    const rows = rowsOf(count, channels);
    const most = Math.min(3, count - 1, channels);
    const found = principalComponents(rows, channels, most);
    const matrix = Matrix.from1DArray(count, channels, rows);
    const centred = matrix.center("column");
    const { diagonal, rightSingularVectors } = new SingularValueDecomposition(centred, {
      autoTranspose: true,
    });
    const total = diagonal.reduce((sum, value) => sum + value ** 2, 0);
    const along = projections(rows, found);
    for (let i = 0; i < most; i++) {
      const direction = rightSingularVectors.getColumn(i);
      const largest = direction.reduce((a, b) => Math.abs(b) > Math.abs(a) ? b : a, 0);
      const expected = direction.map((value) => value * Math.sign(largest));
      assertClose(found.shares[i]!, diagonal[i]! ** 2 / total, 1e-9);
      assertClose(found.directions[i]!, expected, 1e-7);
      const scores = centred.mmul(Matrix.columnVector(expected)).to1DArray();
      assertClose(along[i]!, scores, 1e-6);
    }
  });
}

Deno.test("principalComponents() gives no share to directions in which rows do not differ", () => {
  const rows = Float32Array.from([1, 2, 3, 1, 2, 3]);
  assertClose(principalComponents(rows, 3, 2).shares, [0, 0]);
  const line = Float32Array.from([0, 0, 0, 1, 1, 0, 2, 2, 0]);
  const { shares, directions } = principalComponents(line, 3, 2);
  assertClose(shares, [1, 0], 1e-12);
  assertClose(directions[0]!, [Math.SQRT1_2, Math.SQRT1_2, 0], 1e-12);
});

Deno.test("principalComponents() throws for no rows, too many components and values that are not finite", () => {
  assertThrows(() => principalComponents(new Float32Array(), 3, 1), RangeError, "need one");
  assertThrows(() => principalComponents(new Float32Array(6), 3, 4), RangeError, "1 to 3");
  const broken = Float32Array.from([1, NaN, 2]);
  assertThrows(() => principalComponents(broken, 3, 1), RangeError, "not finite");
});
