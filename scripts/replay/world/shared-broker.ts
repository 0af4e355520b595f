import { afterAll, beforeAll, beforeEach } from "bun:test";
import { type Broker, type BrokerOptions, startBroker } from "../../drivers/kafka/broker.ts";

/** One broker for the tests of a file: started before the first, killed after the last. Each test has its own topic. */
export function sharedBroker(options: BrokerOptions = {}): () => Broker {
  let broker: Broker | undefined;
  beforeAll(async () => {
    broker = await startBroker(options);
  }, 90_000);
  // A test may have left it killed.
  beforeEach(async () => {
    await broker?.start();
  }, 60_000);
  afterAll(async () => {
    await broker?.[Symbol.asyncDispose]();
  });
  return () => {
    if (broker === undefined) throw new Error("the broker of this file is started in beforeAll");
    return broker;
  };
}
