/**
 * The sink over TLS and logins, against a real broker: a listener that asks for a client certificate, and one for each
 * login over TLS. What goes wrong there has its code and a hint that names the setting, soon; `probe` finds the same
 * before anything is sent, and more: topics, permissions, the addresses that the cluster gives out.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:tls";
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, type Admin, ResourcePatternTypes } from "kafkajs";
import type { Finding } from "../../../edge/core/sink.ts";
import { configSchema } from "../../../edge/sinks/kafka/config.ts";
import { KafkaSink } from "../../../edge/sinks/kafka/sink.ts";
import { fakeContext } from "../../../edge/testing/fakes/component.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import { createKafka } from "../../../shared/kafka/connection/client.ts";
import { silent } from "../../../shared/telemetry/log.ts";
import { type Certificates, makeCertificates, makeDatedCertificate } from "../../../shared/testing/certificates.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { soonMs } from "../../../shared/testing/soon.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { type Broker, startBroker } from "../../drivers/kafka/broker.ts";
import { createTopic } from "../../drivers/kafka/topic.ts";
import { RealWorld } from "./real-world.ts";

const folder = tempDir();
let broker: Broker;
let made: Certificates;
let admin: Admin;

beforeAll(async () => {
  made = makeCertificates(folder.path);
  broker = await startBroker({
    // The plain listener gives out an address where nobody listens.
    advertisedPort: await freePort(),
    listeners: { MTLS: "SSL", LOGIN: "SASL_SSL", ONLYPLAIN: "SASL_SSL" },
    users: { "gw-1": "right", stranger: "s" },
    properties: {
      ...made.brokerProperties,
      "listener.name.mtls.ssl.client.auth": "required",
      "listener.name.onlyplain.sasl.enabled.mechanisms": "PLAIN",
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "super.users": "User:ANONYMOUS",
    },
  });
  const quiet = { clientId: "test", component: "test", report: silent };
  admin = createKafka({ brokers: [broker.internalAddress], ...quiet }).admin();
  await admin.connect();
  const allow = (principal: string, resourceName: string, operation: AclOperationTypes, prefixed = false) => ({
    resourceType: AclResourceTypes.TOPIC,
    resourceName,
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    principal: `User:${principal}`,
    host: "*",
    operation,
    permissionType: AclPermissionTypes.ALLOW,
  });
  await admin.createAcls({
    acl: [
      ...["gw-1", "CN=gw-1"].map((user) => allow(user, "car-", AclOperationTypes.WRITE, true)),
      allow("gw-1", "car-made-", AclOperationTypes.CREATE, true),
      allow("stranger", "car-seen", AclOperationTypes.DESCRIBE),
    ],
  });
  for (const topic of ["car-mtls", "car-plain", "car-scram-sha-256", "car-scram-sha-512", "car-seen"]) {
    await createTopic(broker.internalAddress, topic, { config: { "message.timestamp.type": "LogAppendTime" } });
  }
}, 90_000);

afterAll(async () => {
  await admin.disconnect();
  await broker[Symbol.asyncDispose]();
  folder[Symbol.dispose]();
});

type Settings = Parameters<ReturnType<typeof configSchema>["parse"]>[0] & object;

const plain = () => `127.0.0.1:${broker.port}`;

const mechanisms = ["plain", "scram-sha-256", "scram-sha-512"] as const;

function login(mechanism: (typeof mechanisms)[number], password = "right", username = "gw-1"): Settings {
  return {
    brokers: [broker.addressOf("LOGIN")],
    tls: { ca: made.ca },
    sasl: { mechanism, username, password },
  };
}

function mutual(tls: Settings): Settings {
  return { brokers: [broker.addressOf("MTLS")], tls: { ca: made.ca, ...made.client, ...tls } };
}

/** What is refused, by name: settings, and what must be said of them. */
const refused: readonly (readonly [string, () => Settings, string, RegExp])[] = [
  ["an authority that is not the broker's", () => mutual({ ca: made.otherCa }), "KAFKA_TLS", /not signed by.*tls\.ca/],
  ["a certificate for another name", () => mutual({ serverName: "other" }), "KAFKA_TLS", /tls\.serverName/],
  [
    "no client certificate",
    () => ({ ...mutual({}), tls: { ca: made.ca } }),
    "KAFKA_TLS",
    /asks for a client certificate.*tls\.cert/,
  ],
  ["a client certificate of a stranger", () => mutual(made.stranger), "KAFKA_TLS", /turns our certificate down/],
  [
    "a login where none is taken",
    () => ({ ...login("plain"), ...mutual({}) }),
    "KAFKA_AUTHENTICATION",
    /takes no SASL: remove sasl/,
  ],
  [
    "a mechanism that the listener does not offer",
    () => ({ ...login("scram-sha-512"), brokers: [broker.addressOf("ONLYPLAIN")] }),
    "KAFKA_AUTHENTICATION",
    /does not offer scram-sha-512/,
  ],
  ...mechanisms.map(
    (mechanism) =>
      [
        `a wrong password for ${mechanism}`,
        () => login(mechanism, "wrong"),
        "KAFKA_AUTHENTICATION",
        /sasl user, password and mechanism/,
      ] as const,
  ),
];

describe("batches", () => {
  test("go over TLS with our own certificate", async () => {
    using it = new RealWorld("car-mtls", mutual({}));
    for (const count of [1, 500, 7]) it.put(count);
    expect(await it.drain()).toBe("idle");
    expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
    expect(it.counted).toEqual({});
  }, 20_000);

  test.each(mechanisms)(
    "go over TLS with a login by %s",
    async (mechanism) => {
      using it = new RealWorld(`car-${mechanism}`, login(mechanism));
      for (const count of [1, 500, 7]) it.put(count);
      expect(await it.drain()).toBe("idle");
      expect(await it.inTopic(broker.internalAddress)).toEqual(it.written);
      expect(it.counted).toEqual({});
    },
    20_000,
  );

  test.each(refused)("are held with %s, and soon it is known why", async (_, settings, code, hint) => {
    const sink = new KafkaSink(configSchema().parse({ topic: "car-mtls", ...settings() }), fakeContext());
    using it = new RealWorld("car-mtls", settings());
    it.put(1);
    const batch = it.reader.next();
    if (batch === undefined) throw new Error("no batch was put");
    const startMs = performance.now();
    const delivery = sink.lane(it.reader).deliver(batch, new AbortController().signal);
    const thrown: unknown = await delivery.catch((error: unknown) => error);
    await sink.stop();
    expect(performance.now() - startMs).toBeLessThan(soonMs(2_000));
    if (!(thrown instanceof AppError)) throw new Error(`not refused: ${thrown}`);
    expect(`${thrown.code} ${thrown.severity}`).toBe(`${code} transient`);
    expect(thrown.hint).toMatch(hint);
    expect(it.reader.heldCount).toBe(1);
  });
});

async function probe(settings: Settings): Promise<readonly Finding[]> {
  const sink = new KafkaSink(configSchema().parse({ topic: "car-mtls", ...settings }), fakeContext());
  const startMs = performance.now();
  const findings = await sink.probe(AbortSignal.timeout(5_000));
  expect(performance.now() - startMs).toBeLessThan(soonMs(6_000));
  await sink.stop();
  return findings;
}

function shown(findings: readonly Finding[]): readonly string[] {
  return findings.map((finding) =>
    "says" in finding ? `${finding.what}: ${finding.says}` : `${finding.what}: ${finding.error.code}`,
  );
}

describe("a probe", () => {
  test("says what is well: the broker, how we are known to it, and the topic", async () => {
    expect(shown(await probe(mutual({})))).toEqual([
      `${broker.addressOf("MTLS")}: answers (TLS, our certificate accepted)`,
      "topic car-mtls: 1 partition, may be written to",
    ]);
    expect(shown(await probe(login("scram-sha-512")))).toEqual([
      `${broker.addressOf("LOGIN")}: answers (TLS, scram-sha-512 as gw-1)`,
      "topic car-mtls: 1 partition, may be written to",
    ]);
  });

  test.each(refused)("tells of %s", async (_, settings, code, hint) => {
    const [finding, ...others] = await probe(settings());
    expect(others).toEqual([]);
    if (finding === undefined || !("error" in finding)) throw new Error(`not refused: ${Bun.inspect(finding)}`);
    expect(`${finding.error.code}`).toBe(code);
    expect(finding.error.hint).toMatch(hint);
  });

  test.each([
    ["without TLS where it is asked for", () => ({ brokers: [broker.addressOf("MTLS")] }), /may expect TLS/],
    [
      "without a login where one is asked for",
      () => ({ ...login("plain"), sasl: undefined }),
      /ask for a login \(sasl\)/,
    ],
  ])("guesses why a listener closes the connection: %s", async (_, settings, hint) => {
    const [finding] = await probe(settings());
    expect(finding).toMatchObject({ error: { code: "KAFKA_UNREACHABLE", hint: expect.stringMatching(hint) } });
  });

  test.each([
    ["is over", 2001, 2002],
    ["has not come, as with a clock that stands in 1970", 2090, 2091],
  ])("finds a certificate whose time %s", async (_, fromYear, untilYear) => {
    const server = createServer(makeDatedCertificate(folder.path, fromYear, untilYear)).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("no address");
      const [finding] = await probe({ ...mutual({}), brokers: [`127.0.0.1:${address.port}`] });
      expect(finding).toMatchObject({ error: { code: "KAFKA_TLS", hint: expect.stringContaining("clock is right") } });
    } finally {
      server.close();
    }
  });

  test("with TLS where none is spoken, says so", async () => {
    const [finding] = await probe({ ...mutual({}), brokers: [plain()] });
    expect(finding).toMatchObject({ error: { code: "KAFKA_TLS", hint: expect.stringContaining("port for TLS") } });
  });

  test("tells brokers that answer from those that do not, and asks the former for the topic", async () => {
    const [address, nobody] = [broker.addressOf("LOGIN"), `127.0.0.1:${await freePort()}`];
    const findings = await probe({ ...login("plain"), brokers: [nobody, "no-such-host.invalid:9092", address] });
    expect(shown(findings)).toEqual([
      `${nobody}: KAFKA_UNREACHABLE`,
      "no-such-host.invalid:9092: KAFKA_UNREACHABLE",
      `${address}: answers (TLS, plain as gw-1)`,
      "topic car-mtls: 1 partition, may be written to",
    ]);
    const said = findings.map((finding) => ("error" in finding ? messageOf(finding.error) : ""));
    expect(said[0]).toContain("ECONNREFUSED");
    expect(said[1]).toContain("ENOTFOUND");
  });

  test("finds a missing topic, and makes none", async () => {
    const findings = await probe({ ...login("plain"), topic: "car-absent" });
    expect(findings[1]).toMatchObject({
      what: "topic car-absent",
      error: { code: "KAFKA_TOPIC_MISSING", hint: expect.stringContaining("createTopic") },
    });
    expect(await admin.listTopics()).not.toContain("car-absent");
  });

  test("of a missing topic that the sink would make says whether it may, and makes none", async () => {
    const createTopicConfig = { createTopic: { partitions: 6 } };
    const may = await probe({ ...login("plain"), topic: "car-made-1", ...createTopicConfig });
    expect(shown(may)[1]).toBe("topic car-made-1: missing; createTopic makes it, with 6 partitions");
    const mayNot = await probe({ ...login("plain"), topic: "car-absent", ...createTopicConfig });
    expect(mayNot[1]).toMatchObject({ error: { code: "KAFKA_UNAUTHORIZED", hint: expect.stringContaining("CREATE") } });
    const cannot = await probe({
      ...login("plain"),
      topic: "car-made-2",
      createTopic: { partitions: 6, replication: 3 },
    });
    expect(cannot[1]).toMatchObject({ error: { code: "KAFKA_TOPIC_MISSING" } });
    expect((await admin.listTopics()).filter((topic) => /made|absent/.test(topic))).toEqual([]);
  });

  test("finds a topic that may not be written to, seen or not", async () => {
    const stranger = login("plain", "s", "stranger");
    for (const topic of ["car-seen", "car-mtls"]) {
      const findings = await probe({ ...stranger, topic });
      expect(findings[1]).toMatchObject({
        what: `topic ${topic}`,
        error: { code: "KAFKA_UNAUTHORIZED", hint: expect.stringContaining("WRITE") },
      });
    }
  });

  test("finds that the cluster gives out an address that cannot be reached", async () => {
    const findings = await probe({ brokers: [plain()] });
    expect(shown(findings)).toEqual([
      `${plain()}: answers`,
      "topic car-mtls: 1 partition, may be written to",
      `${broker.address} (leads car-mtls): KAFKA_UNREACHABLE`,
    ]);
    expect(findings[2]).toMatchObject({ error: { hint: expect.stringContaining("advertised.listeners") } });
  });

  test("of a topic by pattern tries the one that is known: the default", async () => {
    const findings = await probe({ ...login("plain"), topic: "car-%{kind}", topicDefault: "car-mtls" });
    expect(shown(findings).slice(1)).toEqual(["topic car-mtls: 1 partition, may be written to"]);
  });

  test("does not wait for a broker that is silent", async () => {
    const sink = new KafkaSink(configSchema().parse({ topic: "car-mtls", ...login("plain") }), fakeContext());
    broker.freeze();
    try {
      const startMs = performance.now();
      const findings = await sink.probe(AbortSignal.timeout(1_000));
      expect(performance.now() - startMs).toBeLessThan(soonMs(2_000));
      expect(shown(findings)).toEqual([`${broker.addressOf("LOGIN")}: KAFKA_UNREACHABLE`]);
    } finally {
      broker.thaw();
      await sink.stop();
    }
  }, 20_000);
});
