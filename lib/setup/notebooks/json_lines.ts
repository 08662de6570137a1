/** The lines of a stream of bytes, and the JSON values in them. */

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

export async function* jsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown> {
  for await (const line of textLines(stream)) yield JSON.parse(line);
}
