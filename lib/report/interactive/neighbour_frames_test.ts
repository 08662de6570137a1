import { assertEquals } from "lib/testing/assert.ts";
import { neighbourFrames } from "./neighbour_frames.ts";

Deno.test("neighbourFrames() counts neighbours of the query's class, without the queries", async () => {
  const images = {
    ...{ name: "grey", width: 2, height: 2, pixels: new Uint8Array(6 * 12) },
    ...{ labels: new Int32Array(6), classNames: ["a", "b"], ids: [..."abcdef"] },
  };
  const sameClass = [true, true, false, true, false, false];
  const ways = { pixels: { images, columns: 3, sameClass } };
  const [frame] = await neighbourFrames(ways);
  assertEquals(
    [frame!.at, frame!.says],
    ["pixels", "1 of 4 have the class of the image they are near to"],
  );
});
