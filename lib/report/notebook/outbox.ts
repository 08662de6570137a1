/**
 * Sends all output of this library to the kernel, in order, and can wait until it has left.
 *
 * Deno 2.9's kernel queues a message even where `broadcast` is awaited, sends about 6,000 a second,
 * and lets "idle" overtake the queue: what is still in it then is dropped by nbclient and lands
 * under the next cell in JupyterLab. So lines are joined into few messages, and
 * {@linkcode Outbox.settle} gives the queue time to run empty.
 */

/** The part of `Deno.jupyter` that is used here. */
export interface Jupyter {
  /** Deno's types say that this returns a promise; Deno 2.9 returns nothing. */
  broadcast(type: string, content: Record<string, unknown>): Promise<void> | void;
}

export type StreamName = "stdout" | "stderr";

/** A rendering in several MIME types; the reader's program picks one. */
export type DisplayData = Readonly<Record<string, string>>;

const lineInterval = 50; // ms; text waits at most this long, also in a loop without awaits
const settleBase = 15; // ms, what one message needs on a busy machine
const settlePerMessage = 0.5; // ms, three times what was measured
const settlePerMegabyte = 60; // ms

export class Outbox {
  readonly #jupyter: Jupyter;
  #stream: StreamName = "stdout";
  #text = "";
  #flushedAt = -Infinity;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Messages that were handed to the kernel and not yet waited for. */
  #messages = 0;
  #characters = 0;

  constructor(jupyter: Jupyter) {
    this.#jupyter = jupyter;
  }

  /** Queues text for the cell's output; lines written close together leave as one message. */
  write(stream: StreamName, text: string): void {
    if (stream !== this.#stream) this.flush();
    this.#stream = stream;
    this.#text += text;
    if (performance.now() - this.#flushedAt > lineInterval) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), lineInterval);
  }

  /** Hands the text written so far to the kernel. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#text === "") return;
    this.#flushedAt = performance.now();
    const text = this.#text;
    this.#text = "";
    this.#send("stream", { name: this.#stream, text }, text.length);
  }

  /** Shows a bundle in the running cell, or replaces the one shown under the same `id`. */
  display(data: DisplayData, { id, update = false }: { id?: string; update?: boolean } = {}): void {
    this.flush(); // text written before stays above
    let size = 0;
    for (const type in data) size += data[type]!.length;
    const transient = id === undefined ? {} : { display_id: id };
    this.#send(
      update ? "update_display_data" : "display_data",
      { data, metadata: {}, transient },
      size,
    );
  }

  /** Counts a message that the kernel sent by itself, so that it is waited for too. */
  count(): void {
    this.#messages++;
  }

  /** Resolves when everything handed over has left the kernel; at once if there is nothing. */
  async settle(): Promise<void> {
    this.flush();
    while (this.#messages > 0) {
      const wait = settleBase + this.#messages * settlePerMessage +
        this.#characters / 1e6 * settlePerMegabyte;
      this.#messages = this.#characters = 0;
      await new Promise((resolve) => setTimeout(resolve, wait));
      this.flush(); // what was written meanwhile
    }
  }

  #send(type: string, content: Record<string, unknown>, characters: number): void {
    this.#messages++;
    this.#characters += characters;
    void Promise.resolve(this.#jupyter.broadcast(type, content)).catch(ignore);
  }
}

/** Ignores an error: a display that fails must not end a training of hours. */
function ignore(): void {}
