/**
 * A real HDFS: one NameNode and one DataNode of Apache Hadoop on loopback, from its jars by Maven coordinate. Ready in some
 * 5 s; each JVM takes about 250 MB.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { runTool } from "../kafka/distribution.ts";
import { mavenJars } from "./maven-jars.ts";

const version = "3.4.3";
const packages = "org.apache.hadoop.hdfs.server";

interface Ports {
  readonly rpc: number;
  readonly http: number;
  readonly data: number;
  readonly ipc: number;
  readonly dataHttp: number;
}

/** A cluster of one node each. */
export class Hdfs implements AsyncDisposable {
  private nameNode: Child | undefined;
  private dataNode: Child | undefined;

  private constructor(
    private readonly folder: TempDir,
    private readonly java: readonly string[],
    private readonly ports: Ports,
  ) {}

  static async open(): Promise<Hdfs> {
    const jars = await mavenJars(`hadoop-${version}`, [
      ["org.apache.hadoop", "hadoop-common", version],
      ["org.apache.hadoop", "hadoop-hdfs", version],
      ["org.apache.hadoop", "hadoop-hdfs-client", version],
    ]);
    const folder = tempDir();
    const [rpc, http, data, ipc, dataHttp] = await Promise.all([1, 2, 3, 4, 5].map(() => freePort()));
    if (!rpc || !http || !data || !ipc || !dataHttp) throw new Error("no free ports");
    const ports = { rpc, http, data, ipc, dataHttp };
    writeConfig(folder, ports);
    const opens = ["java.base/java.lang", "java.base/java.nio"].flatMap((name) => [
      "--add-opens",
      `${name}=ALL-UNNAMED`,
    ]);
    const options = [
      "-XX:TieredStopAtLevel=1",
      "-Xmx256m",
      "-Djava.net.preferIPv4Stack=true",
      `-Dhadoop.home.dir=${folder.path}`,
    ];
    const java = ["java", ...opens, ...options, "-cp", `${folder.file("conf")}:${join(jars, "libs")}/*`];
    const hdfs = new Hdfs(folder, java, ports);
    await runTool("format HDFS", [...java, `${packages}.namenode.NameNode`, "-format", "-force", "-nonInteractive"]);
    hdfs.dataNode = startChild({ name: "DataNode", command: [...java, `${packages}.datanode.DataNode`] });
    await hdfs.startNameNode();
    return hdfs;
  }

  /** Of WebHDFS. */
  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  /** Starts it, and waits until files can be written. */
  async startNameNode(): Promise<void> {
    this.nameNode = startChild({ name: "NameNode", command: [...this.java, `${packages}.namenode.NameNode`] });
    await until("HDFS to take files", () => this.isReady(), Boolean, { withinMs: 120_000, everyMs: 250 });
  }

  /** -9. */
  async killNameNode(): Promise<void> {
    await this.nameNode?.[Symbol.asyncDispose]();
  }

  /** All files below a folder, by path. Read over WebHDFS, without our code. */
  async files(folder: string): Promise<ReadonlyMap<string, Buffer>> {
    const found = new Map<string, Buffer>();
    const listing = await fetch(`${this.url}/webhdfs/v1${folder}?op=LISTSTATUS`);
    if (listing.status === 404) return found;
    const { FileStatuses } = (await listing.json()) as { FileStatuses: { FileStatus: readonly Entry[] } };
    for (const { pathSuffix, type } of FileStatuses.FileStatus) {
      const path = `${folder}/${pathSuffix}`;
      if (type === "DIRECTORY") for (const [name, bytes] of await this.files(path)) found.set(name, bytes);
      else found.set(path, Buffer.from(await (await fetch(`${this.url}/webhdfs/v1${path}?op=OPEN`)).arrayBuffer()));
    }
    return found;
  }

  /** What Hadoop's own reader makes of a file (`hadoop fs -text`). */
  async textOf(path: string): Promise<string> {
    const shell = Bun.spawn([...this.java, "org.apache.hadoop.fs.FsShell", "-text", path], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [text, errors] = await Promise.all([shell.stdout.text(), shell.stderr.text(), shell.exited]);
    if (shell.exitCode !== 0) throw new Error(errors.slice(-2_000));
    return text;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killNameNode();
    await this.dataNode?.[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }

  private async isReady(): Promise<boolean> {
    try {
      const query = "jmx?qry=Hadoop:service=NameNode,name=FSNamesystemState";
      const text = await (await fetch(`${this.url}/${query}`, { signal: AbortSignal.timeout(2_000) })).text();
      return /"NumLiveDataNodes" : 1/.test(text) && /"FSState" : "Operational"/.test(text);
    } catch {
      return false;
    }
  }
}

interface Entry {
  readonly pathSuffix: string;
  readonly type: string;
}

function writeConfig(folder: TempDir, { rpc, http, data, ipc, dataHttp }: Ports): void {
  // The jar from Maven has no web pages; empty folders do.
  for (const web of ["hdfs", "datanode"]) mkdirSync(folder.file(`conf/webapps/${web}/WEB-INF`), { recursive: true });
  write("core-site.xml", {
    "fs.defaultFS": `hdfs://127.0.0.1:${rpc}`,
    "hadoop.tmp.dir": folder.file("tmp"),
    "hadoop.http.staticuser.user": "root",
  });
  write("hdfs-site.xml", {
    "dfs.replication": 1,
    "dfs.namenode.rpc-address": `127.0.0.1:${rpc}`,
    "dfs.namenode.http-address": `127.0.0.1:${http}`,
    "dfs.namenode.name.dir": `file://${folder.file("name")}`,
    "dfs.datanode.data.dir": `file://${folder.file("data")}`,
    "dfs.datanode.address": `127.0.0.1:${data}`,
    "dfs.datanode.ipc.address": `127.0.0.1:${ipc}`,
    "dfs.datanode.http.address": `127.0.0.1:${dataHttp}`,
    "dfs.datanode.hostname": "localhost",
    "dfs.namenode.datanode.registration.ip-hostname-check": false,
    "dfs.permissions.enabled": false,
    "dfs.namenode.safemode.extension": 0,
    "dfs.heartbeat.interval": 1,
    // With one DataNode an append must not look for another.
    "dfs.client.block.write.replace-datanode-on-failure.policy": "NEVER",
    "dfs.client.block.write.locateFollowingBlock.initial.delay.ms": 10,
  });

  function write(name: string, settings: Readonly<Record<string, string | number | boolean>>): void {
    const lines = Object.entries(settings).map(
      ([key, value]) => `<property><name>${key}</name><value>${value}</value></property>`,
    );
    writeFileSync(folder.file(`conf/${name}`), `<configuration>${lines.join("\n")}</configuration>\n`);
  }
}
