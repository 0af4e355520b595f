import { expect, test } from "bun:test";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { seededRandom } from "../../../shared/random/random.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const main = join(import.meta.dir, "../../main.ts");
const within = { withinMs: 60_000 };

/** Takes bodies, a line each, or refuses them for a while; what was refused last stands in `refused`. */
class Collector implements Disposable {
  away = true;
  refused = "";
  readonly counts = new Map<number, number>();
  private readonly server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const lines = (await request.text()).split("\n");
      if (this.away) {
        this.refused = lines[0] ?? "";
        return new Response(null, { status: 503 });
      }
      for (const line of lines) {
        const number = Number(/^line (\d+) /.exec(line)?.[1] ?? Number.NaN);
        if (!Number.isNaN(number)) this.counts.set(number, (this.counts.get(number) ?? 0) + 1);
      }
      return new Response(null, { status: 204 });
    },
  });

  get url(): string {
    return `http://127.0.0.1:${this.server.port}/`;
  }

  [Symbol.dispose](): void {
    void this.server.stop(true);
  }
}

test("killed with -9 while memory and disk hold lines, nothing of a file is lost; a clean stop repeats nothing", async () => {
  using dir = tempDir();
  using collector = new Collector();
  writeFileSync(
    dir.file("tailgate.yaml"),
    `agent: gw-1
dataDir: data
linger: 5ms
sources:
  a: { type: tail, paths: ["a.log"], pollInterval: 50ms, channels: main }
channels:
  main: { type: spillable, memoryCapacity: 1MiB, freeDisk: 0, batchSize: 32KiB, compression: none }
sinks:
  out: { type: http, channel: main, url: "${collector.url}", format: lines }
`,
  );
  const random = seededRandom(17);
  let written = 0;
  const append = (count: number) => {
    const lines = Array.from({ length: count }, () => `line ${written++} ${"x".repeat(500)}\n`);
    appendFileSync(dir.file("a.log"), lines.join(""));
  };
  const start = () => {
    const spilled = { seen: false };
    const child = startChild({
      command: [process.execPath, main, "run", "tailgate.yaml"],
      cwd: dir.path,
      onLine: (line) => {
        spilled.seen ||= line.includes("channel_spills");
      },
    });
    return { child, spilled };
  };
  const arrived = () => collector.counts.size === written;

  for (let kill = 0; kill < 3; kill++) {
    collector.away = true;
    const { child, spilled } = start();
    await using _ends = child;
    append(6_000);
    await until("memory to be full", () => spilled.seen, Boolean, within);
    await Bun.sleep(random.next() * 50);
    const before = collector.counts.size;
    collector.away = false;
    await until("some to arrive", () => collector.counts.size > before, Boolean, within);
    await child.kill();
  }
  {
    const { child } = start();
    await using _ends = child;
    await until("all lines", arrived, Boolean, within);
    // Now what is only in memory: a stop writes it, and the next start delivers it, once.
    collector.away = true;
    collector.refused = "";
    const first = written;
    append(100);
    await until("the new lines to be tried", () => collector.refused.startsWith(`line ${first} `), Boolean, within);
    await child.stop();
    collector.away = false;
    const again = start();
    await using _endsToo = again.child;
    await until("the lines of before the stop", arrived, Boolean, within);
    // What would be read again comes before what is new.
    append(1);
    await until("a new line", arrived, Boolean, within);
    await again.child.stop();
    for (let number = first; number < written; number++)
      expect([number, collector.counts.get(number)]).toEqual([number, 1]);
  }
}, 240_000);
