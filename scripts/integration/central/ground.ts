import { TestProducer } from "../../../central/testing/producer.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { type Central, launchCentral } from "../../drivers/central/central.ts";
import type { Broker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

/** What a test of central stands on: a topic, a producer, a place for the store, none of them shared with another test. */
export interface CentralGround extends AsyncDisposable {
  readonly topic: string;
  readonly producer: TestProducer;
  readonly dir: TempDir;
  /** Path of its file. */
  readonly store: string;
  /** Starts a central on all of it. */
  start(environment?: Readonly<Record<string, string>>, key?: string): Promise<Central>;
}

let number = 0;

/** A name that no other test of the file has. */
export function freshTopic(): string {
  return `drive-${++number}`;
}

/** Makes it. */
export async function centralGround(broker: Broker, partitions = 4): Promise<CentralGround> {
  const topic = freshTopic();
  await createTopic(broker.internalAddress, topic, { partitions });
  const producer = await TestProducer.connect(broker.address, topic, partitions);
  const dir = tempDir("tailgate-central-");
  const store = dir.file("central.db");
  return {
    topic,
    producer,
    dir,
    store,
    start: (environment = {}, key) =>
      launchCentral({
        brokers: broker.address,
        topics: [topic],
        group: topic,
        store,
        environment: key === undefined ? environment : { ...environment, TAILGATE_API_KEY: key },
        ...(key === undefined ? {} : { key }),
      }),
    [Symbol.asyncDispose]: async () => {
      await producer[Symbol.asyncDispose]();
      dir[Symbol.dispose]();
    },
  };
}

/** Nothing wrong in the books. */
export const clean = { missing: 0, repeated: 0, conflicts: 0, deadLettered: 0, gaps: 0 };
