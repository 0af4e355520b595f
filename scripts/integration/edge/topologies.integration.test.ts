/** The topologies of the examples, run as they are: a process, files, and collectors that come and go. */
import { expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";

const edge = join(import.meta.dir, "../../../edge");

/** An agent on an example, with folders of its own. */
class Example implements AsyncDisposable {
  private child: Child;

  constructor(
    private readonly name: string,
    private readonly folder: TempDir,
    private readonly env: Readonly<Record<string, string>> = {},
  ) {
    for (const part of ["logs", "data", "out"]) mkdirSync(folder.file(part), { recursive: true });
    this.child = this.start();
  }

  write(file: string, ...lines: readonly string[]): void {
    appendFileSync(this.folder.file(`logs/${file}`), lines.map((line) => `${line}\n`).join(""));
  }

  /** Lines of a stream in the lake, also of files that are still in progress. */
  lake(stream: string): string[] {
    const folder = this.folder.file("out");
    if (!existsSync(folder)) return [];
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const own = files.map((entry) => join(entry.parentPath, entry.name)).filter((path) => path.includes(stream));
    return own.flatMap((path) =>
      readFileSync(path, "utf8")
        .split("\n")
        .filter((line) => line !== ""),
    );
  }

  /** -9, and a start. */
  async killAndStart(): Promise<void> {
    await this.child[Symbol.asyncDispose]();
    this.child = this.start();
  }

  async has(what: string, isSo: () => boolean): Promise<void> {
    try {
      await until(what, isSo, Boolean, { withinMs: 60_000 });
    } catch (cause) {
      throw new Error(this.child.stderr.slice(-3_000), { cause });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }

  private start(): Child {
    const { folder } = this;
    const command = [process.execPath, join(edge, "main.ts"), "run", "--force"];
    return startChild({
      name: "edge",
      command: [...command, "--config", join(edge, "examples", this.name)],
      env: {
        TAILGATE_LOGS: folder.file("logs"),
        TAILGATE_DATA: folder.file("data"),
        TAILGATE_OUT: folder.file("out"),
        ...this.env,
      },
    });
  }
}

/** A collector that keeps the bodies of what it is posted, by id. */
function collector(port = 0) {
  const bodies = new Map<string, string>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: async (request) => {
      for (const line of (await request.text()).split("\n").filter((each) => each !== "")) {
        const { id, body }: { id: string; body: string } = JSON.parse(line);
        bodies.set(id, body);
      }
      return new Response("");
    },
  });
  return { bodies, server, url: String(server.url) };
}

test("topology 1: one flow, killed in the middle: every line once", async () => {
  await using example = new Example("topology-one-flow.yaml", tempDir());
  example.write("driving.log", "one", "two");
  await example.has("two lines in the lake", () => example.lake("driving").length === 2);
  await example.killAndStart();
  example.write("driving.log", "three");
  await example.has("three lines in the lake", () => example.lake("driving").length >= 3);
  expect(example.lake("driving").toSorted()).toEqual(["one", "three", "two"]);
}, 120_000);

test("topology 2: filtered, routed, two flows; the second collector stands in while the first is away", async () => {
  const [near, far] = [collector(), collector()];
  const env = { COLLECTOR_NEAR: near.url, COLLECTOR_FAR: far.url };
  await using example = new Example("topology-routing.yaml", tempDir(), env);
  const event = (kind: string, seq: number) => `{"car":"KA-1","kind":"${kind}","seq":${seq}}`;
  example.write("driving.log", event("alarm", 1), event("speed", 2), event("debug", 3));
  example.write("status.log", "ready");
  await example.has("the first alarm", () => near.bodies.size === 1);
  await example.has("the lake to have the others", () => example.lake("driving").length === 2);
  await example.has("the other flow", () => example.lake("status").length === 1);
  expect(example.lake("status")).toEqual(["ready"]);

  const { port } = near.server;
  await near.server.stop(true);
  example.write("driving.log", event("alarm", 4));
  await example.has("an alarm at the second collector", () => far.bodies.size === 1);
  await example.killAndStart();
  example.write("driving.log", event("alarm", 5));
  await example.has("another one", () => far.bodies.size >= 2);

  const back = collector(port);
  await Bun.sleep(1_500);
  for (let seq = 6; !(back.bodies.size > 0) && seq < 30; seq++) {
    example.write("driving.log", event("alarm", seq));
    await Bun.sleep(1_200);
  }
  expect(back.bodies.size).toBeGreaterThan(0);
  const all = new Set([...near.bodies.values(), ...far.bodies.values(), ...back.bodies.values()]);
  for (const seq of [1, 4, 5]) expect(all).toContain(event("alarm", seq));
  expect(all).not.toContain(event("speed", 2));
  await Promise.all([far.server.stop(true), back.server.stop(true)]);
}, 120_000);
