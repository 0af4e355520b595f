/** More idle connections than there are descriptors: health is answered all the same. In a process of its own, which has few. */
import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";

const descriptors = 128;

const program = (dir: string) => `
import { openSync, closeSync } from "node:fs";
import { Metrics } from ${JSON.stringify(`${import.meta.dir}/../../shared/telemetry/metrics.ts`)};
import { startAdmin } from ${JSON.stringify(`${import.meta.dir}/admin-server.ts`)};
const metrics = new Metrics();
const admin = startAdmin(${dir}, {
  metrics: () => metrics.render(), live: () => true, unready: () => [], status: () => ({ open: closeSync(openSync("/dev/null", "r")) }),
  tap: { allowed: () => false, open: () => ({ kind: "busy" }) },
}, { report: ({ name }) => console.error(name), metrics });
console.log(admin.url);
`;

/** What is closed is opened again; each has begun a request that does not end. */
class Crowd implements Disposable {
  private readonly sockets = new Set<Socket>();
  private readonly timer;

  constructor(private readonly open: () => Socket) {
    this.fill();
    this.timer = setInterval(() => this.fill(), 100);
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }

  private fill(): void {
    while (this.sockets.size < descriptors + 50) {
      const socket = this.open();
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.sockets.delete(socket));
      socket.write("GET / HTTP/1.1\r\n");
    }
  }
}

test.each(["tcp", "unix"])(
  "more idle connections than descriptors (%s): health is answered, and it is counted",
  async (kind) => {
    using dir = tempDir();
    const socket = dir.file("admin/admin.sock");
    const address = kind === "tcp" ? { kind, host: "127.0.0.1", port: 0 } : { kind, path: socket };
    const file = dir.file("program.ts");
    await Bun.write(file, program(JSON.stringify(address)));
    const command = ["prlimit", `--nofile=${descriptors}:${descriptors}`, process.execPath, file];
    const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe" });
    try {
      const { value } = await child.stdout.getReader().read();
      const url = new TextDecoder().decode(value).trim();
      const target = kind === "tcp" ? url : "http://localhost";
      const ask = async (path: string) => {
        const signal = AbortSignal.timeout(2_000);
        try {
          const answer = await fetch(`${target}${path}`, {
            signal,
            keepalive: false,
            ...(kind === "unix" ? { unix: socket } : {}),
          });
          return `${answer.status} ${await answer.text()}`;
        } catch {
          return "";
        }
      };
      expect(await ask("/readyz")).toStartWith("200");
      using _crowd = new Crowd(() =>
        kind === "tcp" ? connect(Number(new URL(url).port), "127.0.0.1") : connect(socket),
      );
      await until(
        "the word for it among the metrics",
        () => ask("/metrics"),
        (text) => /tailgate_admin_connections_dropped_total [2-9]/.test(text),
        { withinMs: 30_000 },
      );
      for (const path of ["/readyz", "/status"]) {
        await until(
          `an answer to ${path}`,
          () => ask(path),
          (text) => text.startsWith("200"),
          { withinMs: 30_000 },
        );
      }
    } finally {
      child.kill();
      const said = await new Response(child.stderr).text();
      await child.exited;
      expect(said).toBe("admin_connections_dropped\n".repeat(said.split("\n").length - 1));
      expect(said).not.toBe("");
    }
  },
  90_000,
);
