/** More idle connections than there are descriptors: central goes on storing, through a broker's restart too. */
import { expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { TestProducer } from "../../../central/testing/producer.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { startCentral } from "../../drivers/central/central-process.ts";
import { storeSums } from "../../drivers/central/store-sums.ts";
import { startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

/** Opens idle connections without end: what is closed is opened again. */
class Crowd implements Disposable {
  private readonly sockets = new Set<Socket>();
  private readonly timer;

  constructor(port: number, size: number) {
    const fill = () => {
      while (this.sockets.size < size) {
        const socket = connect(port, "127.0.0.1");
        this.sockets.add(socket);
        socket.on("error", () => {});
        socket.on("close", () => this.sockets.delete(socket));
      }
    };
    this.timer = setInterval(fill, 100);
  }

  [Symbol.dispose](): void {
    clearInterval(this.timer);
    for (const socket of this.sockets) socket.destroy();
  }
}

test("1,500 idle connections at a limit of 1,024 do not stop it from storing, and health is answered", async () => {
  await using broker = await startBroker();
  await createTopic(broker.internalAddress, "crowd");
  await broker.stop();
  using dir = tempDir();
  const store = dir.file("central.db");
  const port = await freePort();
  await using central = startCentral({
    brokers: broker.address,
    topics: ["crowd"],
    group: "crowd",
    store,
    port,
    wrap: (command) => ["prlimit", "--nofile=1024:1024", ...command],
  });
  await central.waitForLine("No broker answers", 30_000);
  using _crowd = new Crowd(port, 1_500);
  await until(
    "the crowd to have come",
    async () => central.stderr,
    (text) => text.includes("connections_dropped"),
    { withinMs: 20_000 },
  );
  // Left alone, idle connections are closed after 30 s: it must not take that long.
  // Only now is there a broker: to connect to it takes descriptors.
  await broker.start();
  await using producer = await TestProducer.connect(broker.internalAddress, "crowd", 1);
  await producer.send(5_000);
  await until(
    "all of it to be stored",
    async () => storeSums(store).counted,
    (count) => count === 5_000,
    { withinMs: 12_000 },
  );
  const answered = async () => {
    try {
      return (await fetch(`http://127.0.0.1:${port}/livez`, { signal: AbortSignal.timeout(1_000) })).status;
    } catch {
      return 0;
    }
  };
  await until("health to be answered", answered, (status) => status === 200, { withinMs: 10_000 });
  expect(central.exit).toBeUndefined();
}, 150_000);
