import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { type AdminPages, startAdmin } from "./admin-server.ts";

const noTap: AdminPages["tap"] = { allowed: () => false, open: () => ({ kind: "busy" }) };
const watch = () => ({ report: silent, metrics: new Metrics() });

async function withAdmin(changes: Partial<AdminPages>, use: (url: string) => Promise<void>): Promise<void> {
  const pages = { metrics: () => "", live: () => true, unready: () => [], status: () => ({}), tap: noTap, ...changes };
  const server = startAdmin({ kind: "tcp", host: "127.0.0.1", port: 0 }, pages, watch());
  try {
    await use(server.url);
  } finally {
    await server.stop();
  }
}

test("metrics are what Prometheus reads", async () => {
  const metrics = new Metrics();
  metrics.counter("tailgate_x_total", "X.").add(3);
  await withAdmin({ metrics: () => metrics.render() }, async (url) => {
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
    expect(await response.text()).toContain("tailgate_x_total 3");
  });
});

test("livez and readyz answer 503 when it is not so, each for itself", async () => {
  await withAdmin({ unready: () => ["source a has ended"] }, async (url) => {
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    const answer = await fetch(`${url}/readyz`);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toBe("not ready\nsource a has ended\n");
  });
});

test("status is JSON, as of now", async () => {
  let events = 1;
  await withAdmin({ status: () => ({ events }) }, async (url) => {
    events = 2;
    expect(await (await fetch(`${url}/status`)).json()).toEqual({ events: 2 });
  });
});

test("it is read only, and says what there is", async () => {
  await withAdmin({}, async (url) => {
    expect((await fetch(`${url}/status`, { method: "POST" })).status).toBe(405);
    const response = await fetch(`${url}/nothing`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("/status");
  });
});

test("a port that is taken is an error that names it", async () => {
  await withAdmin({}, async (url) => {
    const port = Number(new URL(url).port);
    const pages = { metrics: () => "", live: () => true, unready: () => [], status: () => ({}), tap: noTap };
    expect(() => startAdmin({ kind: "tcp", host: "127.0.0.1", port }, pages, watch())).toThrow(
      `listen on 127.0.0.1:${port}`,
    );
  });
});

test("a request for a name that somebody has made to point here is refused", async () => {
  await withAdmin({}, async (url) => {
    expect((await fetch(`${url}/status`, { headers: { host: "evil.example" } })).status).toBe(421);
    expect((await fetch(`${url}/status`, { headers: { host: "localhost:1" } })).status).toBe(200);
  });
});

describe("on a Unix socket", () => {
  const pages = {
    metrics: () => "",
    live: () => true,
    unready: () => [],
    status: () => ({ agent: "gw-1" }),
    tap: noTap,
  };
  const open = (path: string) => startAdmin({ kind: "unix", path }, pages, watch());

  test("it answers our user alone: the folder is made 0700, the socket 0600, and goes with the server", async () => {
    using dir = tempDir("tailgate-admin-");
    const path = dir.file("own/admin.sock");
    const server = open(path);
    expect(server.url).toBe(`unix:${path}`);
    expect([dir.file("own"), path].map((each) => statSync(each).mode & 0o777)).toEqual([0o700, 0o600]);
    // Whatever the host is called: whoever reaches the file is no web page.
    for (const host of ["localhost", "evil.example"]) {
      const answer = await fetch(`http://${host}/status`, { unix: path });
      expect(await answer.json()).toEqual({ agent: "gw-1" });
    }
    const curl = Bun.spawn(["curl", "-sf", "--unix-socket", path, "http://localhost/readyz"], { stdout: "pipe" });
    expect(await curl.stdout.text()).toBe("ready\n");
    await server.stop();
    expect(existsSync(path)).toBe(false);
  });

  test("a socket whose process was killed is replaced; one that is served is not, nor is anything else", async () => {
    using dir = tempDir("tailgate-admin-");
    const path = dir.file("admin.sock");
    const killed = `Bun.serve({ unix: ${JSON.stringify(path)}, fetch: () => new Response("old") }); process.kill(process.pid, "SIGKILL");`;
    await Bun.spawn([process.execPath, "-e", killed], { stdio: ["ignore", "ignore", "ignore"] }).exited;
    expect(lstatSync(path).isSocket()).toBe(true);
    const server = open(path);
    expect(() => open(path)).toThrow("another process listens there");
    expect(await (await fetch("http://localhost/livez", { unix: path })).text()).toBe("live\n");
    await server.stop();
    writeFileSync(path, "somebody's");
    expect(() => open(path)).toThrow("no socket");
    expect(readFileSync(path, "utf8")).toBe("somebody's");
  });

  test("a folder that others may write to is refused: they could put a socket of theirs in the place", () => {
    using dir = tempDir("tailgate-admin-");
    mkdirSync(dir.file("open"));
    chmodSync(dir.file("open"), 0o777);
    expect(() => open(dir.file("open/admin.sock"))).toThrow("others may write");
    expect(existsSync(dir.file("open/admin.sock"))).toBe(false);
  });
});
