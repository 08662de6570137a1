/** Prints one line for each cell on the terminal: its number, its first line of code, its time. */
import type { KernelMessage } from "lib/setup/notebooks/cell_outputs.ts";
import type { CodeCell } from "lib/setup/notebooks/notebook.ts";
import type { CellResult, RunOptions } from "lib/setup/notebooks/run_notebook.ts";

/**
 * Callbacks for the runner. On a terminal the line also shows the seconds and the cell's latest
 * line of text.
 */
export function cellProgress(
  cells: readonly CodeCell[],
  passes: number,
): Pick<RunOptions, "onStart" | "onMessage" | "onDone"> {
  const live = Deno.stdout.isTerminal();
  let [began, latest, label] = [0, "", ""];
  let ticker: ReturnType<typeof setInterval> | undefined;
  const redraw = () => {
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    const { columns } = Deno.consoleSize();
    write(`\r\x1b[K${`${label} ${seconds} s ${latest}`.slice(0, columns - 1)}`);
  };
  return {
    onStart(index) {
      began = performance.now();
      latest = "";
      label = cellLabel(cells, passes, index);
      write(label);
      if (live) ticker = setInterval(redraw, 500);
    },
    onMessage: (message) => latest = latestLine(message) ?? latest,
    onDone(result) {
      clearInterval(ticker);
      write(`${live ? `\r\x1b[K${label}` : ""} ${outcome(result)}\n`);
    },
  };
}

function cellLabel(cells: readonly CodeCell[], passes: number, index: number): string {
  const { number, source } = cells[index % cells.length]!;
  const first = source.split("\n").find((line) => line.trim() !== "" && !/^\s*\/\//.test(line));
  const title = (first ?? source.trim()).trim().slice(0, 60);
  const pass = passes > 1 ? `pass ${Math.floor(index / cells.length) + 1} ` : "";
  const place = String(number).padStart(String(cells.length).length);
  return `  ${pass}[${place}/${cells.length}] ${title} …`;
}

function outcome({ status, seconds, error }: CellResult): string {
  const time = `${seconds.toFixed(1)} s`;
  return status === "ok" ? time : `${time}, failed: ${error}`;
}

function latestLine({ type, content }: KernelMessage): string | undefined {
  const text = type === "stream" ? content.text : content.data?.["text/plain"];
  return typeof text === "string" ? text.trimEnd().split("\n").at(-1) : undefined;
}

function write(text: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(text));
}
