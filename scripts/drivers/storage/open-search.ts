/** A real OpenSearch: one node on loopback, from its jars by Maven coordinate. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { mavenJars } from "./maven-jars.ts";

const version = "2.19.4";

/** A document, as the server gives it back. */
export interface Hit {
  readonly _id: string;
  readonly _index: string;
  readonly _version: number;
  readonly _source: Readonly<Record<string, unknown>>;
}

export class OpenSearch implements AsyncDisposable {
  private child: Child | undefined;

  private constructor(
    private readonly folder: TempDir,
    private readonly command: readonly string[],
    private readonly port: number,
  ) {}

  static async open(): Promise<OpenSearch> {
    const jars = await mavenJars(`opensearch-${version}`, [
      ["org.opensearch", "opensearch", version],
      ["org.opensearch.plugin", "transport-netty4-client", version],
      ["org.apache.logging.log4j", "log4j-core", "2.21.0"],
    ]);
    const folder = tempDir();
    mkdirSync(folder.file("config"));
    const [port, transport] = [await freePort(), await freePort()];
    const source = join(import.meta.dir, "OpenSearchNode.java");
    const options = ["-Xms384m", "-Xmx384m", "-XX:TieredStopAtLevel=1", "-Dopensearch.networkaddress.cache.ttl=60"];
    const command = [
      "java",
      ...options,
      "-cp",
      `${join(jars, "libs")}/*`,
      source,
      folder.path,
      `${port}`,
      `${transport}`,
    ];
    const server = new OpenSearch(folder, command, port);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    this.child = startChild({ name: "OpenSearch", command: this.command });
    const health = `${this.url}/_cluster/health?wait_for_status=yellow&timeout=1s`;
    try {
      await until("OpenSearch to answer", () => isOk(health), Boolean, { withinMs: 120_000, everyMs: 250 });
    } catch (cause) {
      throw new Error(`${this.child.stdout.slice(-2_000)}${this.child.stderr.slice(-2_000)}`, { cause });
    }
  }

  /** -9. */
  async kill(): Promise<void> {
    await this.child?.[Symbol.asyncDispose]();
  }

  /** All documents of an index, or of a pattern of indexes. */
  async hits(index: string): Promise<readonly Hit[]> {
    await fetch(`${this.url}/${index}/_refresh`, { method: "POST" });
    const query = { size: 10_000, version: true, query: { match_all: {} } };
    const response = await this.ask("POST", `/${index}/_search`, query);
    const { hits } = (await response.json()) as { hits: { hits: readonly Hit[] } };
    return hits.hits;
  }

  ask(method: string, path: string, body: unknown): Promise<Response> {
    const headers = { "content-type": "application/json" };
    return fetch(`${this.url}${path}`, { method, headers, body: JSON.stringify(body) });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.folder[Symbol.dispose]();
  }
}

async function isOk(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
