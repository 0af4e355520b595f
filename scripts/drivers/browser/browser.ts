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

/** How a page is looked at. */
export interface Look {
  readonly scheme: "light" | "dark";
  /** Of what is seen, in pixels. */
  readonly width?: number;
  readonly height?: number;
}

/** One page in a browser of its own. */
export class Browser implements AsyncDisposable {
  private nextId = 1;
  private measuring = false;
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
  static async open(url: string, look: Look = { scheme: "light" }): Promise<Browser> {
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
    await browser.look(look);
    await browser.send("Page.navigate", { url });
    return browser;
  }

  /** From now on it is looked at in another way. */
  async look({ scheme, width = 1100, height = 760 }: Look): Promise<void> {
    const mobile = width < 600;
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.send("Emulation.setEmulatedMedia", { features });
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

  /** As `evaluate`, of a promise. */
  async settled(expression: string): Promise<unknown> {
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    return typeof result === "object" && result !== null && "value" in result ? result.value : undefined;
  }

  /**
   * Processor time that the page's own thread has spent so far, in milliseconds: its scripts, styles, layout and painting.
   * A busy machine makes frames late; it does not make them more work.
   */
  async workMs(): Promise<number> {
    if (!this.measuring) {
      this.measuring = true;
      await this.send("Performance.enable", { timeDomain: "threadTicks" });
    }
    const { metrics } = z
      .object({ metrics: z.array(z.object({ name: z.string(), value: z.number() })) })
      .parse(await this.send("Performance.getMetrics", {}));
    return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN) * 1_000;
  }

  /** A key, as a person presses it. */
  async press(key: string): Promise<void> {
    const codes: Readonly<Record<string, number>> = {
      Enter: 13,
      ArrowDown: 40,
      ArrowUp: 38,
      End: 35,
      Home: 36,
      Tab: 9,
      Escape: 27,
      Backspace: 8,
    };
    const windowsVirtualKeyCode = codes[key] ?? 0;
    const text = key === "Enter" ? { text: "\r" } : {};
    await this.send("Input.dispatchKeyEvent", { type: "keyDown", key, code: key, windowsVirtualKeyCode, ...text });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key, code: key, windowsVirtualKeyCode });
  }

  /** Presses the mouse on an element, once it is there and nothing lies over it. */
  async click(element: string): Promise<void> {
    const at = `(() => {
      const found = ${element};
      if (!found || found.disabled) return null;
      found.scrollIntoView({ block: "center", behavior: "instant" });
      const { left, top, width, height } = found.getBoundingClientRect();
      const [x, y] = [left + width / 2, top + height / 2];
      const hit = document.elementFromPoint(x, y);
      return hit !== null && (found.contains(hit) || hit.contains(found)) ? { x, y } : null;
    })()`;
    const found = await until(`${element} to be pressed`, async () =>
      z.object({ x: z.number(), y: z.number() }).parse(await this.evaluate(at)),
    );
    await this.drag(found, found);
  }

  /** Writes into a field in place of what is in it, as a keyboard does. */
  async write(field: string, text: string): Promise<void> {
    await this.click(field);
    await this.until(
      `(() => { const found = ${field}; found.focus(); found.select(); return document.activeElement === found; })()`,
    );
    if (text === "") await this.press("Backspace");
    else await this.send("Input.insertText", { text });
  }

  /** Takes one of a field's choices. */
  async choose(field: string, value: string): Promise<void> {
    await this.until(
      `(() => { const found = ${field}; if (!found) return false; found.value = ${JSON.stringify(value)}; found.dispatchEvent(new Event("change", { bubbles: true })); return true; })()`,
    );
  }

  /** The mouse, pressed at one point and let go at another. */
  async drag(from: { x: number; y: number }, to: { x: number; y: number }): Promise<void> {
    const mouse = (type: string, at: { x: number; y: number }, buttons: number) =>
      this.send("Input.dispatchMouseEvent", { type, ...at, button: "left", buttons, clickCount: 1 });
    await mouse("mouseMoved", from, 0);
    await mouse("mousePressed", from, 1);
    for (const share of [0.3, 0.6, 1]) {
      await mouse("mouseMoved", { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share }, 1);
    }
    await mouse("mouseReleased", to, 0);
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
