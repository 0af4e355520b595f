import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { type Central, type CentralOptions, prepareCentral } from "../../drivers/central/central.ts";
import { type Edge, type EdgeOptions, prepareEdge } from "../../drivers/edge/edge.ts";
import type { EdgeChanges } from "../../drivers/edge/edge-config.ts";
import { createTopic, type TopicOptions } from "../../drivers/kafka/topic.ts";
import { LogFile } from "../input/log-file.ts";
import { NumberedLines, type NumberedLinesOptions } from "../proof/numbered-lines.ts";
import { readStore } from "../proof/store-proof.ts";
import { complete, Tally, type TallyResult } from "../proof/tally.ts";
import { readBack } from "../proof/topic-proof.ts";

/** A broker, or a cluster of them. */
export interface KafkaAddresses {
  /** What the product is given, through fault proxies where there are any; several with commas. */
  readonly address: string;
  /** Past them: for administration, the centre and independent readers. */
  readonly internalAddress: string;
}

/** What a test's world is made of. */
export interface WorldOptions {
  readonly broker: KafkaAddresses;
  readonly topic?: TopicOptions;
  readonly lines?: Partial<NumberedLinesOptions>;
  readonly changes?: EdgeChanges;
  readonly edge?: Pick<EdgeOptions, "wrap" | "env" | "cwd" | "binary">;
  readonly central?: Partial<CentralOptions>;
  /** In place of a folder inside the world's own. */
  readonly dataDir?: string;
  /** In place of the broker's own address. */
  readonly brokers?: string;
}

/** What was found at both ends of a world. */
export interface Proof {
  readonly topic: TallyResult;
  readonly store: TallyResult;
  /** Identities that do not follow each other in the topic. */
  readonly holes: readonly string[];
  /** Lines that markers in the topic stand for, by reason. */
  readonly shed: Readonly<Record<string, number>>;
  /** How many partitions hold something. */
  readonly partitions: number;
}

/** Every line in the topic once and in the store once, in order per car, and numbered without a hole. */
export const proven: Pick<Proof, "topic" | "store" | "holes"> = { topic: complete, store: complete, holes: [] };

let worlds = 0;

/** One vehicle, its topic and the centre: a folder with log files, an edge that is not started yet, the proof at the end. */
export class World implements AsyncDisposable {
  readonly log: LogFile;
  readonly logs: string;
  readonly dataDir: string;

  constructor(
    readonly broker: KafkaAddresses,
    readonly topic: string,
    readonly edge: Edge,
    readonly central: Central,
    private readonly folder: TempDir,
    /** How its centre is set up: for a second one in the same group, on the same store. */
    readonly centralOptions: CentralOptions,
    lines: NumberedLines,
  ) {
    this.logs = this.file("logs");
    this.dataDir = this.file("data");
    this.log = new LogFile(join(this.logs, "drive.log"), lines);
  }

  /** A path inside the world's own folder. */
  file(name: string): string {
    return this.folder.file(name);
  }

  /** Reads topic and store independently and compares them with what was written, or with what was to be expected of it. */
  async proof(expected?: (n: number) => boolean): Promise<Proof> {
    const [proof] = await this.proofs([this.log], expected);
    if (proof === undefined) throw new Error("a world has one log file at least");
    return proof;
  }

  /** The same for several writers whose lines go into the topic: a proof for each. */
  async proofs(logs: readonly LogFile[], expected?: (n: number) => boolean): Promise<Proof[]> {
    const ends = logs.map((log) => ({ log, topic: new Tally(log.lines), store: new Tally(log.lines) }));
    const topicTallies = ends.map(({ topic }) => topic);
    const { records, ...reading } = await readBack(this.broker.internalAddress, this.topic, ...topicTallies);
    if (!this.central.running) await this.central.start();
    await this.central.hasDone(records);
    await readStore((path) => this.central.get(path), ...ends.map(({ store }) => store));
    return ends.map(({ log: { written }, topic, store }) => ({
      topic: topic.verdict(written, expected),
      store: store.verdict(written, expected),
      ...reading,
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.close();
    await Promise.all([this.edge[Symbol.asyncDispose](), this.central[Symbol.asyncDispose]()]);
    this.folder[Symbol.dispose]();
  }
}

/** Makes a world with a topic of its own on the broker; the centre runs, the edge does not yet. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const { broker, topic: topicOptions, lines, changes, brokers = broker.address } = options;
  const folder = tempDir("tailgate-world-");
  mkdirSync(folder.file("logs"));
  const topic = `drive-${++worlds}`;
  await createTopic(broker.internalAddress, topic, {
    ...topicOptions,
    config: { "message.timestamp.type": "LogAppendTime", ...topicOptions?.config },
  });
  const edge = await prepareEdge({
    ...options.edge,
    ...(changes === undefined ? {} : { changes }),
    configPath: folder.file("tailgate.yaml"),
    place: {
      agent: "car-edge",
      dataDir: options.dataDir ?? folder.file("data"),
      logs: join(folder.path, "logs", "*.log"),
      brokers,
      topic,
    },
  });
  const centralOptions = {
    brokers: broker.address,
    topics: [topic],
    group: `central-of-${topic}`,
    store: folder.file("store.db"),
    ...options.central,
  };
  const central = await prepareCentral(centralOptions);
  central.launch();
  return new World(broker, topic, edge, central, folder, centralOptions, new NumberedLines(lines));
}
