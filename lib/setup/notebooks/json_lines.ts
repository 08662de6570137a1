/** Splits a stream of bytes into lines, and parses lines of JSON. */

/** The lines of a stream of UTF-8, without their ends. */
export async function* textLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

/** The JSON values of a stream that has one on each line. */
export async function* jsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  for await (const line of textLines(stream)) yield JSON.parse(line);
}
