import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { messageOf } from "../../shared/errors/app-error.ts";
import { makeCertificates } from "../../shared/testing/certificates.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { apiKeys, isOurHost } from "./access.ts";
import { loadConfig } from "./load.ts";
import { relaySettings } from "./relay.ts";

const least = { KAFKA_BROKERS: "127.0.0.1:9092", TAILGATE_TOPICS: "drive" };

function mistakes(environment: Readonly<Record<string, string>>, yaml?: string): string {
  using dir = tempDir();
  const file = yaml === undefined ? undefined : dir.file("central.yaml");
  if (file !== undefined && yaml !== undefined) writeFileSync(file, yaml);
  try {
    loadConfig({ file, environment });
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: "CONFIG_INVALID" });
    return messageOf(thrown).replaceAll(dir.path, "");
  }
  throw new Error("the config was taken");
}

describe("the config", () => {
  test.each([
    ["an alias without its anchor", "topics: *nothing"],
    [
      "aliases that unfold without end",
      `a0: &a0 [x, x]\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}, *a${n}, *a${n}]`).join("\n")}`,
    ],
  ])("refuses %s in words", (_, yaml) => {
    expect(mistakes(least, yaml)).toMatch(/central.yaml:1:1: .*alias/);
  });

  test("binds agents to topics, vehicles and keys, and says what is wrong with that", () => {
    using dir = tempDir();
    writeFileSync(dir.file("fleet.keys"), `gw-1 ed25519:${Buffer.alloc(32, 7).toString("base64")}\n`);
    writeFileSync(
      dir.file("central.yaml"),
      `topicAgents: ["vehicles.{agent}", { topic: "depot-*", agent: "bus-*" }]
agentVehicles: [{ agent: "gw-{id}", vehicle: "car-{id}" }]
signatures: { mode: require, keys: fleet.keys }
`,
    );
    expect(loadConfig({ file: dir.file("central.yaml"), environment: least })).toMatchObject({
      topicAgents: [
        { topic: "vehicles.{agent}", agent: "{agent}" },
        { topic: "depot-*", agent: "bus-*" },
      ],
      signatures: { mode: "require", keys: dir.file("fleet.keys") },
    });
    expect(mistakes(least, "topicAgents: [vehicles]")).toContain('as in "vehicles.{agent}"');
    expect(mistakes(least, "signatures: { keys: /nowhere/fleet.keys }")).toContain("/nowhere/fleet.keys");
    expect(mistakes(least, "signatures: { mode: require }")).toContain("signatures.keys: no keys: name the file");
    const braces = 'agentVehicles: [{ agent: "gw-{id}", vehicle: "car-{od}" }]';
    expect(mistakes(least, braces)).toContain("agentVehicles.0.vehicle: of braces only {id} means something here");
  });

  test("refuses a FIFO in the place of keys or of a certificate, in words and at once", () => {
    using dir = tempDir();
    Bun.spawnSync(["mkfifo", dir.file("fifo"), dir.file("a.keys")]);
    expect(mistakes(least, `signatures: { keys: ${dir.file("fifo")} }`)).toContain("it is a FIFO");
    expect(mistakes(least, `signatures: { keys: ${dir.path} }`)).toMatch(/a\.keys: it is a FIFO/);
    const tls = (cert: string, key: string) => `tls: { cert: { file: ${cert} }, key: { file: ${key} } }`;
    expect(mistakes(least, tls(dir.file("fifo"), dir.file("fifo")))).toContain("it is a FIFO");
    makeCertificates(dir.path);
    expect(mistakes(least, tls(dir.file("broker.pem"), dir.file("fifo")))).toContain("it is a FIFO");
  });

  test("a config that is no file says so, with what to do", () => {
    for (const file of ["/dev/zero", "/etc"]) {
      expect(() => loadConfig({ file, environment: least })).toThrow(
        expect.objectContaining({ code: "CONFIG_INVALID", hint: expect.stringContaining("name ") }),
      );
    }
  });

  test("its own TLS: files that fit each other, and someone who signs the clients' certificates where they are needed", () => {
    using dir = tempDir();
    makeCertificates(dir.path);
    const load = (tls: string) => {
      writeFileSync(dir.file("central.yaml"), `tls: { ${tls} }\n`);
      return () => loadConfig({ file: dir.file("central.yaml"), environment: least });
    };
    const pair = "cert: { file: broker.pem }, key: { file: broker.key }";
    expect(load(`${pair}, clientCa: { file: ca.pem }, clients: relay`)().tls).toEqual({
      cert: dir.file("broker.pem"),
      key: dir.file("broker.key"),
      clientCa: dir.file("ca.pem"),
      clients: "relay",
    });
    expect(load("cert: { file: broker.pem }, key: { file: client.key }")).toThrow("tls.key: not the key");
    expect(load("cert: { file: nowhere.pem }, key: { file: broker.key }")).toThrow("nowhere.pem");
    expect(load(`${pair}, clientCa: { file: broker.key }`)).toThrow("tls.clientCa: ");
    expect(load(`${pair}, clients: relay`)).toThrow("name a clientCa");
    expect(load("cert: broker.pem, key: { file: broker.key }")).toThrow("write { file: path }");
  });

  test("needs brokers and topics, and has a default for all the rest", () => {
    const config = loadConfig({ file: undefined, environment: least });
    expect(config).toMatchObject({
      kafka: { brokers: ["127.0.0.1:9092"], clientId: "tailgate-central" },
      topics: ["drive"],
      group: "tailgate-central",
      listen: "127.0.0.1:8080",
      sessionTimeout: 6_000,
      fetchBytes: 384 * 1024,
      log: { level: "info", format: "text" },
    });
    expect(config.store.endsWith("/tailgate-central.db")).toBe(true);
  });

  test("comes from a file, and variables win over it", () => {
    using dir = tempDir();
    writeFileSync(
      dir.file("central.yaml"),
      'kafka:\n  brokers: [a:9092, b:9092]\ntopicPattern: "^car-.*"\nstore: data/central.db\nlog: { level: debug }\n',
    );
    const config = loadConfig({
      file: dir.file("central.yaml"),
      environment: { TAILGATE_GROUP: "night", TAILGATE_LOG_LEVEL: "warn" },
    });
    expect(config).toMatchObject({ kafka: { brokers: ["a:9092", "b:9092"] }, group: "night", log: { level: "warn" } });
    expect(config.store).toBe(dir.file("data/central.db"));
    expect(config.topicPattern?.test("car-7")).toBe(true);
  });

  test("says every mistake at once, each with its place", () => {
    const text = mistakes(
      { TAILGATE_LOG_LEVEL: "loud" },
      "kafka:\n  brokers: [nowhere]\n  clientID: x\nstoer: a.db\nsessionTimeout: 1ms\n",
    );
    expect(text).toContain("/central.yaml:2:13: kafka.brokers.0: ");
    expect(text).toContain('kafka.clientID: no such key; did you mean "clientId"?');
    expect(text).toContain('/central.yaml:4:8: stoer: no such key; did you mean "store"?');
    expect(text).toContain("/central.yaml:5:17: sessionTimeout:");
    expect(text).toContain("TAILGATE_LOG_LEVEL: log.level:");
  });

  test("without Kafka central takes what is relayed; with it only when it is told to", () => {
    const none = loadConfig({ file: undefined, environment: {} });
    expect(none.kafka).toBeUndefined();
    expect(relaySettings(none)).toMatchObject({ agents: [], bodyBytesMax: 4 * 1024 * 1024 });
    expect(relaySettings(loadConfig({ file: undefined, environment: least }))).toBeUndefined();
    using dir = tempDir();
    writeFileSync(
      dir.file("central.yaml"),
      'relay: { agents: ["{agent}", { key: "depot", agent: "bus-*" }] }\napiKey: a-key-of-some-length\n',
    );
    expect(relaySettings(loadConfig({ file: dir.file("central.yaml"), environment: least }))?.agents).toEqual([
      { topic: "{agent}", agent: "{agent}" },
      { topic: "depot", agent: "bus-*" },
    ]);
    expect(mistakes(least, 'relay: { agents: ["{agent}"] }')).toContain(":1:18: relay.agents: binds nobody");
    expect(mistakes(least, "relay: { agents: [depot] }")).toContain('as in "{agent}"');
    expect(mistakes(least, "relay: { agents: [{ key: depot }] }")).toContain("relay.agents.0");
    expect(mistakes(least, "relay: { bodyBytesMax: 1KiB }")).toContain("relay.bodyBytesMax");
  });

  test("half a Kafka is a mistake, not a central without one", () => {
    expect(mistakes({}, "kafka: {}")).toContain("no brokers: write a list of host:port, or set KAFKA_BROKERS");
    expect(mistakes({ TAILGATE_TOPICS: "drive" })).toContain("TAILGATE_TOPICS: topics: no brokers to read them from");
    expect(mistakes({}, "topicPattern: x")).toContain("topicPattern: no brokers to read them from");
  });

  test.each([
    [
      "heartbeats that nobody brings",
      { TAILGATE_HEARTBEAT_TOPIC: "beats" },
      "heartbeats: no brokers to read them from",
    ],
    ["a store with one slash", { ...least, TAILGATE_STORE: "postgres:/me@host/db" }, "scheme:// with two slashes"],
    ["no topics", { KAFKA_BROKERS: "a:1" }, "no topics: name some, or give a topicPattern"],
    ["a pattern that is none", { ...least, TAILGATE_TOPIC_PATTERN: "(" }, "not a regular expression"],
    ["a topic's name that cannot be", { ...least, TAILGATE_TOPICS: "a b" }, "not a topic's name"],
    [
      "an open address without a key",
      { ...least, TAILGATE_LISTEN: "0.0.0.0:8080" },
      "set an apiKey, or listen on 127.0.0.1",
    ],
    ["an open IPv6 address without a key", { ...least, TAILGATE_LISTEN: "[::]:8080" }, "set an apiKey"],
    ["a key that can be guessed", { ...least, TAILGATE_API_KEY: "short" }, "16 characters or more"],
    ["half a login", { ...least, KAFKA_SASL_USERNAME: "me" }, "kafka.sasl.mechanism"],
  ])("refuses %s", (_, environment, word) => {
    expect(mistakes(environment)).toContain(word);
  });

  test.each(["127.0.0.1:80", "localhost:80", "[::1]:80"])("asks for no key on %s", (listen) => {
    expect(loadConfig({ file: undefined, environment: { ...least, TAILGATE_LISTEN: listen } }).listen).toBe(listen);
  });

  test("takes an open address with a key", () => {
    const environment = { ...least, TAILGATE_LISTEN: "0.0.0.0:80", TAILGATE_API_KEY: "a-key-of-some-length" };
    expect(loadConfig({ file: undefined, environment }).apiKey).toBe("a-key-of-some-length");
  });

  test.each([
    ["a duplicate key", "store: a\nstore: b\n", "/central.yaml:2:1"],
    ["a list", "- a\n", "is a list"],
    ["what is no YAML", "kafka: [\n", "/central.yaml:"],
  ])("refuses a file that is %s", (_, yaml, word) => {
    expect(mistakes(least, yaml)).toContain(word);
  });

  test("refuses a file that cannot be read", () => {
    expect(() => loadConfig({ file: "/no/such/file.yaml", environment: least })).toThrow(
      "read the config /no/such/file.yaml",
    );
  });

  test("takes certificates and a password from files that the environment names", () => {
    using dir = tempDir();
    makeCertificates(dir.path);
    writeFileSync(dir.file("password"), "secret\n");
    const environment = {
      ...least,
      KAFKA_TLS_CA: dir.file("ca.pem"),
      KAFKA_TLS_CERT: dir.file("client.pem"),
      KAFKA_TLS_KEY: dir.file("client.key"),
      KAFKA_SASL_MECHANISM: "scram-sha-512",
      KAFKA_SASL_USERNAME: "central",
      KAFKA_SASL_PASSWORD: "in the environment",
      KAFKA_SASL_PASSWORD_FILE: dir.file("password"),
    };
    const pem = (name: string) => readFileSync(dir.file(name), "utf8").trimEnd();
    expect(loadConfig({ file: undefined, environment }).kafka).toMatchObject({
      tls: { ca: pem("ca.pem"), cert: pem("client.pem"), key: pem("client.key"), verify: true },
      sasl: { mechanism: "scram-sha-512", username: "central", password: "secret" },
    });
  });

  test("refuses certificates that would fail at the first connection", () => {
    using dir = tempDir();
    makeCertificates(dir.path);
    writeFileSync(dir.file("central.yaml"), "");
    const tls = (text: string) => mistakes(least, `kafka:\n  tls: { ${text.replaceAll("@", `${dir.path}/`)} }\n`);
    expect(tls("ca: { file: @none.pem }")).toContain("/central.yaml:2:14: kafka.tls.ca: read the secret from");
    expect(tls("ca: { file: @central.yaml }")).toMatch(/kafka\.tls\.ca: not a PEM text/);
    expect(tls("cert: { file: @client.pem }")).toContain("kafka.tls: cert and key go together");
    expect(tls("cert: { file: @client.pem }, key: { file: @stranger.key }")).toContain(
      "kafka.tls.key: not the key of this certificate",
    );
  });

  test("refuses keys that no client can send, and takes one from a file", () => {
    for (const key of [
      "a key with blanks in it",
      "schlüssel-mit-umlaut",
      "key\nwith a second line",
      " leading-blank-key",
    ]) {
      expect(mistakes({ ...least, TAILGATE_API_KEY: key })).toContain("no client can send this key");
    }
    using dir = tempDir();
    writeFileSync(dir.file("key"), "a-key-of-some-length\n");
    const environment = { ...least, TAILGATE_API_KEY_FILE: dir.file("key") };
    expect(loadConfig({ file: undefined, environment }).apiKey).toBe("a-key-of-some-length");
  });

  test("takes several keys by their hashes, from files too, and a public address with them alone", () => {
    using dir = tempDir();
    const sha256 = "0f".repeat(32);
    writeFileSync(dir.file("hash"), `${sha256}\n`);
    const head = 'kafka: { brokers: ["a:9092"] }\ntopics: [drive]\nlisten: "0.0.0.0:8080"\n';
    const keys = `apiKeys:\n  - { name: grafana, sha256: { file: hash }, scopes: [metrics] }\n  - { name: ops, sha256: ${sha256} }\n`;
    writeFileSync(dir.file("central.yaml"), head + keys);
    const config = loadConfig({ file: dir.file("central.yaml"), environment: {} });
    expect(apiKeys(config)).toEqual([
      { name: "grafana", sha256, scopes: ["metrics"] },
      { name: "ops", sha256, scopes: ["read", "metrics"] },
    ]);
    const wrong = `apiKeys:\n  - { name: ops, sha256: abc }\n  - { name: ops, sha256: ${sha256}, scopes: [write] }\n`;
    const text = mistakes({}, head + wrong);
    expect(text).toContain("not a SHA-256");
    const two = `apiKeys:\n  - { name: ops, sha256: ${sha256} }\n  - { name: ops, sha256: ${sha256} }\n`;
    expect(mistakes({}, head + two)).toContain(":6:13: apiKeys.1.name: two keys");
    expect(text).toContain("apiKeys.1.scopes.0");
  });

  test("without keys only our own names are answered to; with keys a name does no harm", () => {
    const open = loadConfig({ file: undefined, environment: least });
    expect(isOurHost(open)("evil.example")).toBe(false);
    const named = loadConfig({ file: undefined, environment: { ...least, TAILGATE_ALLOWED_HOSTS: "central.example" } });
    expect([isOurHost(named)("central.example:80"), isOurHost(named)("evil.example")]).toEqual([true, false]);
    const keyed = loadConfig({ file: undefined, environment: { ...least, TAILGATE_API_KEY: "a-key-of-some-length" } });
    expect(isOurHost(keyed)("evil.example")).toBe(true);
  });
});
