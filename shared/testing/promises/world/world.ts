import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Broker } from "../../broker.ts";
import { type TempDir, tempDir } from "../../temp-dir.ts";
import { createTopic, type TopicOptions } from "../../topic.ts";
import { LogFile } from "../input/log-file.ts";
import { NumberedLines, type NumberedLinesOptions } from "../proof/numbered-lines.ts";
import { Tally, type Verdict } from "../proof/tally.ts";
import { readBack, type TopicReading } from "../proof/topic-proof.ts";
import { type Edge, type EdgeOptions, prepareEdge } from "./edge.ts";
import type { EdgeChanges } from "./edge-config.ts";

/** What a test's world is made of. */
export interface WorldOptions {
  readonly broker: Broker;
  readonly topic?: TopicOptions;
  readonly lines?: Partial<NumberedLinesOptions>;
  readonly changes?: EdgeChanges;
  readonly edge?: Pick<EdgeOptions, "wrap" | "env" | "cwd" | "binary">;
  /** In place of a folder inside the world's own. */
  readonly dataDir?: string;
  /** In place of the broker's own address. */
  readonly brokers?: string;
}

let worlds = 0;

/** One vehicle and its topic: a folder with log files, an edge that is not started yet, and the proof at the end. */
export class World implements AsyncDisposable {
  readonly log: LogFile;

  constructor(
    readonly broker: Broker,
    readonly topic: string,
    readonly edge: Edge,
    private readonly folder: TempDir,
    lines: NumberedLines,
  ) {
    this.log = new LogFile(join(this.logs, "drive.log"), lines);
  }

  /** A path inside the world's own folder. */
  file(name: string): string {
    return this.folder.file(name);
  }

  /** The folder of the log files. */
  get logs(): string {
    return this.file("logs");
  }

  get dataDir(): string {
    return this.file("data");
  }

  /** Reads the topic independently and compares it with the lines that were written, or that were to be expected of them. */
  async proof(expected?: (n: number) => boolean): Promise<{ verdict: Verdict; reading: TopicReading }> {
    const tally = new Tally(this.log.lines);
    const reading = await readBack(this.broker.internalAddress, this.topic, tally);
    return { verdict: tally.verdict(this.log.written, expected), reading };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.close();
    await this.edge[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

/** Makes a world with a topic of its own on the broker. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const folder = tempDir("tailgate-world-");
  mkdirSync(folder.file("logs"));
  const topic = `drive-${++worlds}`;
  await createTopic(options.broker.internalAddress, topic, {
    ...options.topic,
    config: { "message.timestamp.type": "LogAppendTime", ...options.topic?.config },
  });
  const edge = await prepareEdge({
    ...options.edge,
    ...(options.changes === undefined ? {} : { changes: options.changes }),
    configPath: folder.file("tailgate.yaml"),
    place: {
      agent: "car-edge",
      dataDir: options.dataDir ?? folder.file("data"),
      logs: join(folder.path, "logs", "*.log"),
      brokers: options.brokers ?? options.broker.address,
      topic,
    },
  });
  return new World(options.broker, topic, edge, folder, new NumberedLines(options.lines));
}
