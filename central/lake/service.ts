/** The lake's writer, put together from a config: what it reads of Kafka and of the store. Runs in its worker, or in a test. */
import { systemClock } from "../../shared/clock/clock.ts";
import { invariant } from "../../shared/errors/invariant.ts";
import { createKafkajsLink } from "../../shared/kafka/connection/kafkajs-link.ts";
import { systemRandom } from "../../shared/random/random.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import { storeAddress } from "../config/store-address.ts";
import { storeKindOf } from "../store/kinds.ts";
import type { ReplayReader } from "../store/replay-port.ts";
import type { LakeSnapshot } from "./snapshot.ts";
import { LakeSource } from "./source.ts";
import type { ErasedVehicle } from "./upkeep/erasure.ts";
import { LakeWriter } from "./writer.ts";

/** The writer, running. */
export interface LakeService {
  snapshot(): LakeSnapshot;
  /** What is in hand is read again by the next start. */
  stop(): Promise<void>;
}

/** Returns at once. */
export function startLake({ lake, kafka, ...config }: CentralConfig, report: Report): LakeService {
  invariant(
    lake !== undefined && kafka !== undefined,
    "the config is checked: a lake has a directory, and a Kafka to read",
  );
  const { brokers, clientId, tls, sasl } = kafka;
  const connection = { brokers, clientId, tls, sasl };
  const clock = systemClock;
  const random = systemRandom;
  const times = { connectTimeoutMs: 5_000, requestTimeoutMs: 30_000 };
  const link = createKafkajsLink({ ...connection, ...times, report, random, component: "lake" });
  const topics = { names: config.topics, pattern: config.topicPattern, text: config.topics.join(", ") };
  const source = new LakeSource({ link, connection, topics, clock });
  const kind = storeKindOf(config.store);
  const address = storeAddress(config);
  const reader = kind.reader(address);
  const notePath = kind.notePath?.(address, "lake");
  const { replays } = reader;
  const erased = replays && (async () => await suppressionsOf(replays));
  const writer = new LakeWriter({ config: lake, source, notePath, erased, clock, random, report });
  const stopping = new AbortController();
  const running = writer.run(stopping.signal);
  return {
    snapshot: () => writer.snapshot,
    stop: async () => {
      stopping.abort();
      link.close();
      await running;
      await reader.close();
    },
  };
}

const pageRows = 1_000;

async function suppressionsOf(replays: ReplayReader): Promise<readonly ErasedVehicle[]> {
  const all: ErasedVehicle[] = [];
  for (let after = ""; ; ) {
    const page = await replays.suppressions(after, pageRows);
    all.push(...page.map(({ vehicle, atMs }) => ({ vehicle, atMs })));
    const last = page.at(-1);
    if (page.length < pageRows || last === undefined) return all;
    after = last.vehicle;
  }
}
