import { join } from "node:path";
import { systemClock } from "../../shared/clock/clock.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { freePort } from "../../shared/testing/free-port.ts";
import { type Broker, startBroker } from "../drivers/kafka/broker.ts";
import { absent } from "./agents/absent.ts";
import type { Agent } from "./agents/agent.ts";
import { peers } from "./agents/agents.ts";
import { tailgate } from "./agents/tailgate.ts";
import { codes } from "./codes.ts";
import { type BenchFolders, openFolders } from "./folders.ts";
import { DiskMeter } from "./meters/disk.ts";
import { WireMeter } from "./meters/wire.ts";
import type { Options } from "./options.ts";
import type { Unavailable } from "./report/results.ts";
import { Topics } from "./topics.ts";
import { InputFiles } from "./workload/input.ts";

/** Says what is going on; a line each, on standard error. */
export type Progress = (text: string) => void;

/** What all cases share: agents that are ready, a real broker with a meter before it, a place, inputs. */
export class Bench implements AsyncDisposable {
  private constructor(
    readonly options: Options,
    readonly progress: Progress,
    readonly place: BenchFolders,
    readonly ours: Agent,
    readonly peers: readonly Agent[],
    readonly versions: ReadonlyMap<string, string>,
    readonly unavailable: readonly Unavailable[],
    readonly broker: Broker,
    readonly wire: WireMeter,
    readonly topics: Topics,
    readonly inputs: InputFiles,
    readonly disk: DiskMeter | undefined,
  ) {}

  /** Prepares agents, starts the broker. What cannot take part is in `unavailable`, with the reason. */
  static async open(options: Options, progress: Progress): Promise<Bench> {
    const versions = new Map<string, string>();
    const unavailable: Unavailable[] = options.peers.length === 0 ? [] : [...absent];
    const ready: Agent[] = [];
    for (const agent of [tailgate, ...peers.filter((peer) => options.peers.includes(peer.product))]) {
      const availability = await agent.prepare(progress);
      if (availability.kind === "ready") {
        versions.set(agent.name, availability.version);
        ready.push(agent);
      } else {
        progress(`${agent.name} takes no part: ${availability.reason}`);
        unavailable.push({ subject: agent.name, reason: availability.reason });
      }
    }
    const place = openFolders(options);
    const wirePort = await freePort();
    progress("starting Kafka");
    const broker = await startBroker({
      dataDir: join(place.fast, "kafka"),
      advertisedPort: wirePort,
      heap: "1g",
      jvm: [],
      // A backlog must not be flushed, cleaned or rolled away while it is measured.
      properties: { "log.segment.bytes": 1_073_741_824, "log.retention.ms": -1, "log.segment.delete.delay.ms": 1000 },
    });
    const wire = new WireMeter({ host: "127.0.0.1", port: broker.port }, systemClock);
    await wire.listen(wirePort);
    return new Bench(
      options,
      progress,
      place,
      tailgate,
      ready.filter((agent) => agent !== tailgate),
      versions,
      unavailable,
      broker,
      wire,
      new Topics(broker),
      new InputFiles(join(place.fast, "inputs"), progress),
      options.disk && place.fastIsMemory ? DiskMeter.of(place.data) : undefined,
    );
  }

  /** Ours first, when it could be built, then the peers. */
  get agents(): readonly Agent[] {
    return this.versions.has(this.ours.name) ? [this.ours, ...this.peers] : this.peers;
  }

  /** Ours alone, for cases that no peer is run in; empty when it could not be built. */
  get oursOnly(): readonly Agent[] {
    return this.agents.filter((agent) => agent === this.ours);
  }

  /** Ours. @throws AppError `BENCH_FAILED` with the reason when it could not be built. */
  requireOurs(): Agent {
    const [ours] = this.oursOnly;
    if (ours !== undefined) return ours;
    const reason = this.unavailable.find(({ subject }) => subject === this.ours.name)?.reason;
    throw new AppError(codes.BENCH_FAILED, `prepare ${this.ours.name}: ${reason}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.wire[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
    this.place[Symbol.dispose]();
  }
}
