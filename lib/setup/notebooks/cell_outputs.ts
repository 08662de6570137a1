/** Turns what a kernel publishes into a notebook's outputs (nbformat 4), as JupyterLab would. */

/** A bundle of renderings by MIME type. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/**
 * One entry of a code cell's `outputs`. Text is one string here; files may hold it as an array of
 * lines.
 */
export type Output =
  | { output_type: "stream"; name: string; text: string }
  | { output_type: "display_data"; data: MimeBundle; metadata: MimeBundle }
  | {
    output_type: "execute_result";
    execution_count: number | null;
    data: MimeBundle;
    metadata: MimeBundle;
  }
  | { output_type: "error"; ename: string; evalue: string; traceback: string[] };

/** A message of the kernel's iopub channel. */
export interface KernelMessage {
  readonly type: string;
  // deno-lint-ignore no-explicit-any -- the shape depends on `type`; see Jupyter's messaging protocol
  readonly content: any;
}

/** Gathers the outputs of successive cells of one kernel. */
export class OutputCollector {
  /** Outputs of the current cell. */
  #outputs: Output[] = [];
  /** All outputs of a display id, in any cell: an update changes all of them. */
  readonly #displays = new Map<string, (Output & { data: MimeBundle; metadata: MimeBundle })[]>();
  #clearBeforeNext = false;

  /** Starts a cell and returns its outputs, which grow as messages are added. */
  startCell(): Output[] {
    this.#outputs = [];
    this.#clearBeforeNext = false;
    return this.#outputs;
  }

  add({ type, content }: KernelMessage): void {
    switch (type) {
      case "stream":
        return this.#addText(content.name, content.text);
      case "display_data":
        return this.#show({ output_type: "display_data", ...bundle(content) }, content);
      case "execute_result": {
        const execution_count = content.execution_count ?? null;
        const output = { output_type: "execute_result", execution_count, ...bundle(content) };
        return this.#show(output as Output, content);
      }
      case "update_display_data":
        for (const output of this.#displays.get(content.transient?.display_id) ?? []) {
          Object.assign(output, bundle(content));
        }
        return;
      case "error": {
        const { ename, evalue, traceback } = content;
        return this.#append({ output_type: "error", ename, evalue, traceback });
      }
      case "clear_output":
        if (content.wait) this.#clearBeforeNext = true;
        else this.#outputs.length = 0;
    }
  }

  #append(output: Output): void {
    if (this.#clearBeforeNext) this.#outputs.length = 0;
    this.#clearBeforeNext = false;
    this.#outputs.push(output);
  }

  #addText(name: string, text: string): void {
    const last = this.#clearBeforeNext ? undefined : this.#outputs.at(-1);
    if (last?.output_type === "stream" && last.name === name) last.text += text;
    else this.#append({ output_type: "stream", name, text });
  }

  #show(output: Output, content: { transient?: { display_id?: string } }): void {
    this.#append(output);
    const id = content.transient?.display_id;
    if (id === undefined || !("data" in output)) return;
    this.#displays.set(id, [...(this.#displays.get(id) ?? []), output]);
  }
}

function bundle(content: { data: MimeBundle; metadata?: MimeBundle }) {
  return { data: content.data, metadata: content.metadata ?? {} };
}

/** All text a person would read in these outputs: streams, `text/plain`, errors. */
export function textOf(outputs: readonly Output[]): string {
  return outputs.map((output) => {
    switch (output.output_type) {
      case "stream":
        return output.text;
      case "error":
        return `${output.ename}: ${output.evalue}\n`;
      default:
        return `${output.data["text/plain"] ?? ""}\n`;
    }
  }).join("");
}
