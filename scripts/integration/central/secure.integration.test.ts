/** The consumer over TLS and logins, against a real broker; what is refused is said with its code and a hint, soon. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from "kafkajs";
import type { Arrival, ConsumerHandler } from "../../../central/consumer/consumer.ts";
import { KafkaConsumer } from "../../../central/consumer/kafka/consumer.ts";
import { plainRecord } from "../../../central/records/record-block.ts";
import { systemClock } from "../../../shared/clock/clock.ts";
import { createKafka, type KafkaConnection } from "../../../shared/kafka/connection/client.ts";
import { seededRandom } from "../../../shared/random/random.ts";
import { type Fields, type Report, silent } from "../../../shared/telemetry/log.ts";
import { type Certificates, makeCertificates } from "../../../shared/testing/certificates.ts";
import { startChild } from "../../../shared/testing/child.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";

const folder = tempDir();
const lines = Array.from({ length: 500 }, (_, index) => `line ${index}`);
let broker: Broker;
let made: Certificates;

beforeAll(async () => {
  made = makeCertificates(folder.path);
  broker = await startBroker({
    listeners: { MTLS: "SSL", LOGIN: "SASL_SSL" },
    users: { central: "right" },
    properties: {
      ...made.brokerProperties,
      "listener.name.mtls.ssl.client.auth": "required",
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:ANONYMOUS",
    },
  });
  await allowReading("User:central", "User:CN=gw-1");
  await createTopic(broker.internalAddress, "driving");
  await Bun.write(folder.file("lines"), `${lines.join("\n")}\n`);
  const command = ["kcat", "-P", "-b", broker.internalAddress, "-t", "driving", "-l", folder.file("lines")];
  await using producer = startChild({ command });
  expect((await producer.exited).code).toBe(0);
}, 90_000);

afterAll(async () => {
  await broker[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

/** READ on the topic and on any group: all that a consumer needs. */
async function allowReading(...principals: readonly string[]): Promise<void> {
  const quiet = { clientId: "test", component: "test", report: silent };
  const admin = createKafka({ brokers: [broker.internalAddress], ...quiet }).admin();
  await admin.connect();
  const resources = [
    { resourceType: AclResourceTypes.TOPIC, resourceName: "driving" },
    { resourceType: AclResourceTypes.GROUP, resourceName: "*" },
  ];
  const read = {
    resourcePatternType: ResourcePatternTypes.LITERAL,
    host: "*",
    operation: AclOperationTypes.READ,
    permissionType: AclPermissionTypes.ALLOW,
  };
  const acl = principals.flatMap((principal) => resources.map((resource) => ({ ...resource, ...read, principal })));
  await admin.createAcls({ acl });
  await admin.disconnect();
}

type Security = Omit<KafkaConnection, "clientId">;

const mechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;

function login(mechanism: (typeof mechanisms)[number], password = "right"): Security {
  return {
    brokers: [broker.addressOf("LOGIN")],
    tls: { ca: made.ca },
    sasl: { mechanism, username: "central", password },
  };
}

function mutual(tls: KafkaConnection["tls"] = made.client): Security {
  return { brokers: [broker.addressOf("MTLS")], tls: { ca: made.ca, ...tls } };
}

function consumer(groupId: string, security: Security, report: Report): KafkaConsumer {
  return new KafkaConsumer({
    connection: { clientId: "test", ...security },
    topics: { names: ["driving"], pattern: undefined, text: "driving" },
    groupId,
    protocol: () => "tailgate-store-test",
    sessionTimeoutMs: 6_000,
    heartbeatMs: 1_000,
    fetchBytesPerPartition: 256 * 1024,
    report,
    clock: systemClock,
    random: seededRandom(1),
  });
}

/** Keeps the lines that are delivered. */
class Collector implements ConsumerHandler {
  readonly lines: string[] = [];

  async assigned() {
    return "earliest" as const;
  }

  async deliver({ blocks }: Arrival) {
    for (const block of blocks) {
      for (let index = 0; index < block.count; index++) {
        this.lines.push(plainRecord(block, index).value?.toString() ?? "");
      }
    }
    return { kind: "done" } as const;
  }
}

describe("the consumer", () => {
  const ways: readonly (readonly [string, () => Security])[] = [
    ["with our own certificate", () => mutual()],
    ...mechanisms.map((mechanism) => [`with a login by ${mechanism}`, () => login(mechanism)] as const),
  ];

  test.each(ways)(
    "reads over TLS %s",
    async (way, security) => {
      const collector = new Collector();
      const reading = consumer(way, security(), silent);
      reading.start(collector);
      await until(
        "all lines",
        () => collector.lines.length,
        (count) => count >= lines.length,
        { withinMs: 20_000 },
      );
      await reading.stop();
      expect(collector.lines).toEqual(lines);
    },
    30_000,
  );

  test.each([
    [
      "an authority that is not the broker's",
      () => mutual({ ...made.client, ca: made.otherCa }),
      "KAFKA_TLS",
      "tls.ca",
    ],
    ["no client certificate", () => mutual({}), "KAFKA_TLS", "set tls.cert and tls.key"],
    ["a wrong password for plain", () => login("plain", "wrong"), "KAFKA_AUTHENTICATION", "password"],
    ["a wrong password for scram", () => login("scram-sha-512", "wrong"), "KAFKA_AUTHENTICATION", "password"],
  ])("says what is wrong with %s, soon, and goes on trying", async (what, security, code, hint) => {
    const said: Fields[] = [];
    const report: Report = ({ name }, fields = {}) => {
      if (name === "brokers_refuse") said.push(fields);
    };
    const reading = consumer(what, security(), report);
    reading.start(new Collector());
    await until("it to be said twice", () => said.length >= 2, Boolean, { withinMs: 30_000 });
    await reading.stop();
    expect(said[0]).toMatchObject({ code, hint: expect.stringContaining(hint) });
  });
});
