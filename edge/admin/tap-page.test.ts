import { expect, test } from "bun:test";
import { connect } from "node:net";
import { silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { EventView } from "../core/event-view.ts";
import { type OpenedTap, Tap, type TapOptions } from "../taps/tap.ts";
import { type AdminServer, startAdmin } from "./admin-server.ts";

interface World {
  readonly server: AdminServer;
  readonly url: string;
  /** What was opened, newest last. */
  readonly opened: { readonly tap: Tap; readonly options: TapOptions; closed: boolean }[];
}

async function withPage(
  { allowed = true, answer }: { readonly allowed?: boolean; readonly answer?: OpenedTap },
  use: (world: World) => Promise<void>,
): Promise<void> {
  const opened: World["opened"] = [];
  const open = (options: TapOptions): OpenedTap => {
    if (answer !== undefined) return answer;
    const one = { tap: new Tap(options), options, closed: false };
    opened.push(one);
    const close = () => {
      one.closed = true;
      one.tap.leave();
    };
    return { kind: "open", tap: one.tap, close };
  };
  const pages = { metrics: () => "", live: () => true, unready: () => [], status: () => ({}) };
  const tap = { allowed: () => allowed, open };
  const server = startAdmin(
    { kind: "tcp", host: "127.0.0.1", port: 0 },
    { ...pages, tap },
    { report: silent, metrics: new Metrics() },
  );
  try {
    await use({ server, url: `${server.url}/tap`, opened });
  } finally {
    await server.stop();
  }
}

function offer(tap: Tap, text: string): void {
  const view = new EventView();
  const bytes = Buffer.from(text);
  view.reset(bytes, 0, bytes.length, 0);
  tap.offer(view, undefined);
}

test("what the config does not allow is refused, whatever is asked", async () => {
  await withPage({ allowed: false }, async ({ url, opened }) => {
    const response = await fetch(`${url}?source=driving`);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("admin.tap: true");
    expect(opened).toEqual([]);
  });
});

test("a foreign host name, a web page, another method, a wrong question: none of them opens a tap", async () => {
  await withPage({}, async ({ url, opened }) => {
    const asked = `${url}?source=driving`;
    const status = async (address: string, options: RequestInit = {}) => (await fetch(address, options)).status;
    expect(await status(asked, { headers: { host: "evil.example" } })).toBe(421);
    expect(await status(asked, { headers: { "sec-fetch-site": "cross-site" } })).toBe(403);
    expect(await status(asked, { method: "POST" })).toBe(405);
    expect(await status(asked, { method: "HEAD" })).toBe(405);
    for (const wrong of [
      url,
      `${asked}&rate=0`,
      `${asked}&rate=1001`,
      `${asked}&bytes=9000`,
      `${asked}&lane=0&interceptor=x`,
      `${asked}&channel=main`,
      `${asked}&else=1`,
    ]) {
      expect([wrong, await status(wrong)]).toEqual([wrong, 400]);
    }
    expect(opened).toEqual([]);
  });
});

test("a place that is not there is 404 with words, and one tap too many 503", async () => {
  await withPage({ answer: { kind: "unknown", message: "there is no source" } }, async ({ url }) => {
    const response = await fetch(`${url}?source=x`);
    expect([response.status, await response.text()]).toEqual([404, "there is no source\n"]);
  });
  await withPage({ answer: { kind: "busy" } }, async ({ url }) => {
    expect((await fetch(`${url}?source=x`)).status).toBe(503);
  });
});

test("events come while somebody reads, and the tap ends when he leaves", async () => {
  await withPage({}, async ({ url, opened }) => {
    const leaving = new AbortController();
    const response = await fetch(`${url}?source=driving&lane=3&channel=main&rate=5&bytes=7`, {
      signal: leaving.signal,
    });
    expect(response.headers.get("content-type")).toStartWith("application/x-ndjson");
    const [one] = opened;
    expect(one?.options).toMatchObject({
      point: { kind: "lane", stream: "driving", lane: 3, channel: "main" },
      eventsPerSecond: 5,
      bodyBytesMax: 7,
    });
    if (one === undefined || response.body === null) throw new Error("nothing was opened");
    offer(one.tap, "a line that is cut");
    let read = "";
    for await (const part of response.body) {
      read += Buffer.from(part).toString();
      if (read.includes('"event"')) break;
    }
    expect(read).toContain('"body":"a line "');
    leaving.abort();
    await until("the tap to end", () => one.closed);
  });
}, 60_000);

test("a reader that reads nothing holds nothing up: it loses samples, and the agent keeps a bounded part", async () => {
  await withPage({}, async ({ server, opened }) => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    socket.pause();
    socket.write("GET /tap?source=driving&rate=1000&bytes=8192 HTTP/1.1\r\nhost: localhost\r\n\r\n");
    const one = await until("the tap to open", () => opened[0]);
    if (one === undefined) throw new Error("nothing was opened");
    const long = "x".repeat(8_192);
    const { tap } = one;
    await until(
      "samples to be lost, once the kernel takes nothing more",
      async () => {
        // Fewer than what may wait: a reader that reads would lose none.
        for (let event = 0; event < 10; event++) offer(tap, long);
        await Bun.sleep(1);
        return tap.figures.lost > 0;
      },
      Boolean,
      { withinMs: 40_000, everyMs: 1 },
    );
    let read = "";
    socket.on("data", (bytes: Buffer) => {
      read += bytes.toString("latin1");
    });
    socket.resume();
    await until("the reader to be told", () => /"counts","seen":\d+,"skipped":\d+,"lost":[1-9]/.test(read));
    socket.destroy();
    await until("the tap to end", () => one.closed);
  });
}, 60_000);

test("on a Unix socket it is asked as everything else there", async () => {
  using dir = tempDir();
  const pages = { metrics: () => "", live: () => true, unready: () => [], status: () => ({}) };
  const path = dir.file("own/admin.sock");
  const tap = { allowed: () => true, open: (): OpenedTap => ({ kind: "busy" }) };
  const server = startAdmin({ kind: "unix", path }, { ...pages, tap }, { report: silent, metrics: new Metrics() });
  expect((await fetch("http://localhost/tap?source=x", { unix: path })).status).toBe(503);
  await server.stop();
});
