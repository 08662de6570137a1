/** Drives JupyterLab, or another page, in a real, headless Chromium, as a person would, for tests. */
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { assertEquals } from "lib/testing/assert.ts";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * Finds the browser of this machine; `undefined` if there is none, and tests that need one are
 * skipped. The environment variable `CHROMIUM` can name another.
 */
export function findChromium(): string | undefined {
  const named = Deno.env.get("CHROMIUM");
  return [...(named ? [named] : []), ...places].find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/**
 * Milliseconds that anything may take, even on a busy machine, so that a test never waits for ever.
 * Shorter limits of callers are raised to this one.
 */
const patience = 300_000;

/** A notebook opened in JupyterLab. */
export class LabPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Waits until the notebook is drawn and its kernel idle. */
  async ready(): Promise<void> {
    await this.page.locator(".jp-Notebook .jp-CodeCell").first().waitFor({ timeout: patience });
    await this.idle();
  }

  /**
   * Reloads the page: it loses its state, while server and kernel go on. Returns when the notebook
   * is drawn, even if the kernel is busy.
   */
  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.locator(".jp-Notebook .jp-CodeCell").first().waitFor();
    await this.page.locator(".jp-StatusBar-TextItem", { hasText: /\| (Idle|Busy)$/ }).waitFor();
  }

  /** Runs a command of the Run menu: `Run All Cells`, `Run Selected Cell and Do not Advance`. */
  async menu(menu: string, item: string): Promise<void> {
    await this.page.locator(".lm-MenuBar-itemLabel", { hasText: new RegExp(`^${menu}$`) }).click();
    await this.page.locator(".lm-Menu-itemLabel", { hasText: new RegExp(`^${item}$`) }).click();
  }

  async select(cell: number): Promise<void> {
    await this.page.locator(".jp-CodeCell").nth(cell).locator(".cm-content").first().click();
  }

  async runSelected(): Promise<void> {
    await this.page.keyboard.press("Control+Enter");
  }

  async interrupt(): Promise<void> {
    await this.page.locator('[data-jp-item-name="interrupt"]').first().click();
  }

  /** Waits until the status bar says that the kernel is there and has nothing to do. */
  async idle(timeout = patience): Promise<void> {
    await this.page.locator(".jp-StatusBar-TextItem", { hasText: /\| Idle$/ }).waitFor({ timeout });
  }

  /** The prompts of all code cells: `[3]:`, `[*]:` while running, `[ ]:` before. */
  async prompts(): Promise<string[]> {
    return await this.page.locator(".jp-CodeCell .jp-InputPrompt").allTextContents();
  }

  /** Waits until every code cell has run. */
  async allRun(timeout: number): Promise<void> {
    const deadline = Date.now() + Math.max(timeout, patience);
    while (Date.now() < deadline) {
      const prompts = await this.prompts();
      if (prompts.every((prompt) => /^\[\d+\]:/.test(prompt.trim()))) return;
      await this.page.waitForTimeout(200);
    }
    throw new Error(
      `Not all cells ran in ${Math.max(timeout, patience)} ms: ${(await this.prompts()).join(" ")}`,
    );
  }

  /** The text of a code cell's output. */
  async output(cell: number): Promise<string> {
    const area = this.page.locator(".jp-CodeCell").nth(cell).locator(".jp-OutputArea-output");
    return (await area.allTextContents()).join("\n");
  }

  /** Waits until a cell's output matches, and returns the milliseconds that took. */
  async outputMatches(cell: number, pattern: RegExp, timeout: number): Promise<number> {
    const from = Date.now();
    while (Date.now() - from < Math.max(timeout, patience)) {
      if (pattern.test(await this.output(cell))) return Date.now() - from;
      await this.page.waitForTimeout(100); // looking costs as much as what is looked at
    }
    throw new Error(
      `No ${pattern} in ${Math.max(timeout, patience)} ms: ${await this.output(cell)}`,
    );
  }
}

/** The context of all notebooks: JupyterLab's scripts are loaded and compiled once. */
let notebooks: Promise<BrowserContext> | undefined;

/** Opens a notebook in Chromium, and closes it after `use`. @param url Of JupyterLab. */
export async function inChromium(
  executablePath: string,
  url: string,
  use: (lab: LabPage) => Promise<void>,
): Promise<void> {
  await onPageOf(await (notebooks ??= newContext(executablePath)), url, async (page) => {
    const lab = new LabPage(page);
    await lab.ready();
    await use(lab);
  });
}

/** The browser of all pages of this process, which ends after its last test. */
let browser: Promise<Browser> | undefined;
Deno.test.afterAll(async () => await (await browser)?.close());

function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox", // Chromium needs it as root in a container; the pages are our own
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A context as wide as a laptop's screen: its pages share cookies, storage and compiled scripts. */
async function newContext(executablePath: string): Promise<BrowserContext> {
  browser ??= launch(executablePath);
  return await (await browser).newContext({ viewport: { width: 1440, height: 1000 } });
}

/**
 * Opens `url` in Chromium and closes it after `use`. Pages share nothing: neither cookies nor
 * storage.
 */
export async function onPage(
  executablePath: string,
  url: string,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const context = await newContext(executablePath);
  try {
    await onPageOf(context, url, use);
  } finally {
    await context.close();
  }
}

async function onPageOf(
  context: BrowserContext,
  url: string,
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const page = await context.newPage();
  try {
    page.setDefaultTimeout(patience);
    page.setDefaultNavigationTimeout(patience);
    await page.goto(url);
    await use(page);
  } finally {
    await page.close();
  }
}

/**
 * Opens an exported page that holds interactive outputs, one below the other, and fails if one of
 * its scripts does.
 *
 * @param outputs Their HTML by its media type, as notebooks hold it.
 */
export async function opened(
  outputs: readonly { readonly "text/html"?: string }[],
  use: (page: Page) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".html" });
  const html = outputs.map((output) => output["text/html"]).join("\n");
  await Deno.writeTextFile(path, `<!doctype html><meta charset="utf-8">${html}`);
  try {
    await onPage(findChromium()!, `file://${path}`, async (page) => {
      const errors: string[] = [];
      page.on("pageerror", ({ message }) => errors.push(message));
      await use(page);
      assertEquals(errors, []);
    });
  } finally {
    await Deno.remove(path);
  }
}

/** The `at`-th output of the page. */
export function part(page: Page, at: number) {
  return page.locator(".bcssl-part").nth(at);
}

/** What an output says to the reader. */
export async function saidIn(page: Page, at: number): Promise<string> {
  return await part(page, at).locator(".said").first().innerText();
}
