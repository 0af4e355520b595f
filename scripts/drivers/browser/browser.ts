/**
 * A real browser for tests: Chromium without a window, over its own protocol (DevTools protocol, a WebSocket). It knows
 * what a test of a page needs: opening it, asking it, and a picture of it.
 */

import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { codes } from "../codes.ts";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--no-first-run",
  "--remote-debugging-port=0",
  "--window-size=1100,760",
];

/** Debian's name, and those of other distributions. */
const names = ["chromium", "chromium-browser", "google-chrome"];

/** One page in a browser of its own. */
export class Browser implements AsyncDisposable {
  private nextId = 1;
  private readonly waiting = new Map<number, (answer: Record<string, unknown>) => void>();
  /** What the page wrote to its console as an error, refusals of its own policy among it. */
  readonly errors: string[] = [];

  private constructor(
    private readonly child: Child,
    private readonly folder: ReturnType<typeof tempDir>,
    private readonly socket: WebSocket,
  ) {
    socket.onmessage = ({ data }) => this.heard(JSON.parse(String(data)));
  }

  /** @throws AppError `TOOL_MISSING` when there is no Chromium. */
  static async open(url: string, scheme: "light" | "dark" = "light"): Promise<Browser> {
    const program = names.map((name) => Bun.which(name)).find((path) => path !== null);
    if (program === undefined)
      throw new AppError(codes.TOOL_MISSING, "open a page: there is no Chromium (apt install chromium)");
    const folder = tempDir("tailgate-browser-");
    const child = startChild({
      name: "chromium",
      command: [program, ...flags, `--user-data-dir=${folder.path}`, "about:blank"],
    });
    const portFile = folder.file("DevToolsActivePort");
    const port = await until(
      "the browser's port",
      async () => (existsSync(portFile) ? (readFileSync(portFile, "utf8").split("\n")[0] ?? "") : ""),
      (text) => text !== "",
      { withinMs: 30_000 },
    );
    const target = await pageTarget(port);
    if (target === undefined) throw new AppError(codes.TOOL_MISSING, "open a page: the browser has none");
    const socket = new WebSocket(target);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const browser = new Browser(child, folder, socket);
    await browser.send("Runtime.enable", {});
    await browser.send("Log.enable", {});
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await browser.send("Emulation.setEmulatedMedia", { features });
    await browser.send("Page.navigate", { url });
    return browser;
  }

  /** The value of an expression in the page. */
  async evaluate(expression: string): Promise<unknown> {
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    return typeof result === "object" && result !== null && "value" in result ? result.value : undefined;
  }

  /** Waits until an expression in the page is true. */
  async until(expression: string, withinMs = 15_000): Promise<void> {
    await until(
      expression,
      () => this.evaluate(expression),
      (value) => value === true,
      { withinMs },
    );
  }

  /** A PNG of what is seen. */
  async picture(): Promise<Buffer> {
    const { data } = await this.send("Page.captureScreenshot", { format: "png" });
    return Buffer.from(String(data), "base64");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.close();
    await this.child[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }

  private send(method: string, params: object): Promise<Record<string, unknown>> {
    const id = this.nextId++;
    const answer = new Promise<Record<string, unknown>>((resolve) => this.waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params }));
    return answer;
  }

  private heard(message: { id?: number; result?: Record<string, unknown>; method?: string; params?: object }): void {
    if (message.id !== undefined) {
      this.waiting.get(message.id)?.(message.result ?? {});
      this.waiting.delete(message.id);
      return;
    }
    const text = JSON.stringify(message.params ?? {});
    if (message.method === "Runtime.exceptionThrown") this.errors.push(text);
    if (message.method === "Log.entryAdded" && text.includes('"source":"security"')) this.errors.push(text);
  }
}

/** The WebSocket of the browser's first page. */
async function pageTarget(port: string): Promise<string | undefined> {
  const targets: unknown = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const page = z.array(z.object({ type: z.string(), webSocketDebuggerUrl: z.string() })).parse(targets);
  return page.find(({ type }) => type === "page")?.webSocketDebuggerUrl;
}
