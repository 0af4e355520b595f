/**
 * The pilot, end to end: Kafka, the centre, the simulator and the compiled edge, each a part that can be stopped,
 * killed and started again by itself. All of it is ended with it, and nothing else.
 */

import { appendFileSync, existsSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../shared/errors/app-error.ts";
import type { Child } from "../../shared/testing/child.ts";
import { until } from "../../shared/testing/until.ts";
import { startCentral } from "../drivers/central/central-process.ts";
import { edgeBinary } from "../drivers/edge/edge-binary.ts";
import { startEdge } from "../drivers/edge/edge-process.ts";
import { type Broker, startBroker } from "../drivers/kafka/broker.ts";
import { brokerAnswers } from "../drivers/kafka/probe.ts";
import { createTopic } from "../drivers/kafka/topic.ts";
import { codes } from "./codes.ts";
import { noteWay, type PilotHome } from "./home.ts";
import { Leftovers } from "./leftovers.ts";
import { askCentral, askEdge, type Numbers } from "./numbers.ts";
import type { Progress } from "./simulator/manifest.ts";
import { simulate, simulatorPaths } from "./simulator/simulate.ts";
import type { Way } from "./way.ts";

/** The topic of the driving data. */
export const TOPIC = "driving";

/** What may differ from the pilot as it is. */
export interface PilotOptions {
  readonly place: PilotHome;
  readonly way: Way;
  /** Of the way over Kafka: brokers that run already; a broker of our own when not given. */
  readonly brokers?: string;
  readonly cars: number;
  readonly speed: number;
  /** Another config for the edge than the one of its way beside this file. */
  readonly config?: string;
  readonly say: (text: string) => void;
}

/** The edge's config for each way. */
const edgeConfigs: Readonly<Record<Way, string>> = { kafka: "edge.yaml", relay: "edge-relay.yaml" };

const statusEveryMs = 15_000;
const reportsPerDay = 60;

/** The running parts. */
export class Pilot implements AsyncDisposable {
  private broker: Broker | undefined;
  private central: Child | undefined;
  private edge: Child | undefined;
  private simulation: { readonly stop: AbortController; readonly ended: Promise<Progress> } | undefined;
  private written: Progress = { driving: 0, status: 0 };
  private readonly leftovers: Leftovers;
  /** The ways that lines have taken in this start and those before it. */
  ways: readonly Way[] = [];

  constructor(private readonly options: PilotOptions) {
    this.leftovers = new Leftovers(join(options.place.folder, "pids.json"));
  }

  get url(): string {
    return `http://127.0.0.1:${this.options.place.ports.central}/`;
  }

  get way(): Way {
    return this.options.way;
  }

  /** Whether there is a broker, and it is ours to stop. */
  get ownsBroker(): boolean {
    return this.way === "kafka" && this.options.brokers === undefined;
  }

  /** For readers that do not go through what is tried here; undefined: there is no Kafka. */
  get brokerAddress(): string | undefined {
    return this.broker?.internalAddress ?? (this.way === "kafka" ? this.options.brokers : undefined);
  }

  /** Starts everything, in the order in which the parts lean on each other. */
  async start(): Promise<void> {
    const { place, say } = this.options;
    const ended = await this.leftovers.end();
    if (ended.length > 0) say(`ended what an earlier start had left: ${ended.join(", ")}`);
    if (this.way === "kafka") await this.startBroker();
    this.ways = noteWay(place, this.way);
    say("building the edge");
    await edgeBinary();
    say("starting central, the edge and the cars");
    this.startCentral();
    await this.startEdge();
    this.startSimulator();
    await this.answers("edge", () => askEdge(place.ports.edge));
    await this.answers("central", () => askCentral(place.ports.central));
  }

  /** Ends everything, in the reverse order; the edge has time to hand over what it can. */
  async stop(): Promise<void> {
    await this.stopSimulator();
    if (this.edge?.exit === undefined) await this.edge?.stop(45_000);
    if (this.central?.exit === undefined) await this.central?.stop(20_000);
    if (this.ownsBroker) await this.broker?.stop();
  }

  async numbers(): Promise<Numbers> {
    const { ports } = this.options.place;
    const [edge, central, brokerUp] = await Promise.all([
      askEdge(ports.edge),
      askCentral(ports.central),
      this.ownsBroker ? brokerAnswers(ports.kafka) : Promise.resolve(true),
    ]);
    const { driving, status } = this.written;
    return { way: this.way, written: driving, writtenStatus: status, edge, central, brokerUp };
  }

  async startBroker(): Promise<void> {
    const { place, brokers, say } = this.options;
    if (brokers === undefined) {
      say(`starting Kafka on 127.0.0.1:${place.ports.kafka}`);
      if (this.broker === undefined)
        this.broker = await startBroker({ dataDir: place.kafkaDir, port: place.ports.kafka });
      else await this.broker.start();
      this.leftovers.note("kafka", this.broker.pid);
    }
    // Time stamps by the broker, so that an outage's backlog does not arrive past its retention; kept when it is there.
    const config = { "message.timestamp.type": "LogAppendTime" };
    await createTopic(this.clientBrokers, TOPIC, { partitions: 4, config });
  }

  async stopBroker(): Promise<void> {
    await this.broker?.stop();
  }

  async startEdge(): Promise<void> {
    const { place, config = join(import.meta.dir, edgeConfigs[this.way]) } = this.options;
    this.edge = await startEdge({
      configPath: config,
      cwd: place.folder,
      env: {
        KAFKA_BROKERS: this.clientBrokers,
        CENTRAL_URL: `http://127.0.0.1:${place.ports.central}`,
        PILOT_DIR: place.pilotDir,
        LAKE_DIR: place.lakeDir,
        TAILGATE_DATA: place.edgeDir,
        TAILGATE_ADMIN: `127.0.0.1:${place.ports.edge}`,
        BUN_TMPDIR: place.runtimeDir,
      },
      onLine: (line) => this.log("edge", line),
    });
    this.leftovers.note("edge", this.edge.pid);
  }

  /** -9, as when the ignition cuts the power. */
  async killEdge(): Promise<void> {
    await this.edge?.kill();
    this.edge = undefined;
  }

  startCentral(): void {
    const { place } = this.options;
    this.central = startCentral({
      ...(this.way === "kafka" ? { brokers: this.clientBrokers, topics: [TOPIC] } : {}),
      group: "tailgate-central",
      store: place.store,
      port: place.ports.central,
      onLine: (line) => this.log("central", line),
    });
    this.leftovers.note("central", this.central.pid);
  }

  /** -9, with whatever it was storing. */
  async killCentral(): Promise<void> {
    await this.central?.kill();
    this.central = undefined;
  }

  /** What ended although nobody asked it to, with its last words; undefined while all is well. */
  get broken(): string | undefined {
    for (const child of [this.edge, this.central]) {
      if (child?.exit !== undefined) return `${child.name} ended with code ${child.exit.code}:\n${child.tail()}`;
    }
    return undefined;
  }

  /** The rotated log files, deleted as a full disk's cleaner would. */
  deleteRotatedLogs(): number {
    const { log } = simulatorPaths(this.options.place.pilotDir);
    const rotated = readdirSync(dirname(log)).filter((name) => name.startsWith(`${basename(log)}.`));
    for (const name of rotated) rmSync(join(dirname(log), name));
    return rotated.length;
  }

  /** Ends the writing; what was written is final then. */
  async stopSimulator(): Promise<void> {
    this.simulation?.stop.abort();
    await this.simulation?.ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.simulation?.stop.abort();
    await Promise.all([this.edge?.kill(), this.central?.kill(), this.broker?.[Symbol.asyncDispose]()]);
  }

  private get clientBrokers(): string {
    return this.options.brokers ?? this.broker?.address ?? "";
  }

  private startSimulator(): void {
    const { place, cars, speed } = this.options;
    const stop = new AbortController();
    const ended = simulate(
      {
        out: place.pilotDir,
        cars,
        speed,
        reportsPerDay,
        statusEveryMs,
        // A file every five seconds, so that an outage sees several.
        rotateLines: Math.max(100, Math.round(cars * speed * 5)),
        onProgress: (progress) => {
          this.written = { ...progress };
        },
      },
      stop.signal,
    );
    this.simulation = { stop, ended };
  }

  /** Waits for a part's first answer. One that has ended will never answer: its own words say why. */
  private async answers(part: "edge" | "central", ask: () => Promise<unknown>): Promise<void> {
    await until(`${part} to answer`, async () => this.broken ?? (await ask()), Boolean, { withinMs: 30_000 });
    if (this.broken !== undefined) throw new AppError(codes.START_FAILED, `start ${part}: ${this.broken}`);
  }

  private log(part: string, line: string): void {
    const { logs } = this.options.place;
    if (existsSync(logs)) appendFileSync(join(logs, `${part}.log`), `${line}\n`);
  }
}
