import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadConfig } from "../../../central/config/load.ts";
import { parseConfig } from "../../../edge/config/load-config.ts";
import { registry } from "../../../edge/registry.gen.ts";
import { parseKeyList } from "../../../shared/signature/key-list.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { mutateText } from "../mutate.ts";
import { type FuzzTarget, mayRefuse } from "../target.ts";

const examples = join(import.meta.dir, "../../../edge/examples");
const edgeSeeds = readdirSync(examples)
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => readFileSync(join(examples, name), "utf8"));
const edgeWords = ["type: kafka", "type: tail", "channels: [main]", "linger: 1s", "capacity: 1GiB", "paths: ['/x']"];

/** Never throws: a config is right, or everything wrong with it is said. */
export const edgeConfigs: FuzzTarget = {
  name: "the edge's config",
  try(random) {
    const text = mutateText(random, edgeSeeds, edgeWords);
    const loaded = parseConfig("/nowhere/tailgate.yaml", text, registry, { A: "a", KAFKA_BROKERS: "b:1" });
    if (!loaded.ok && loaded.problems.length === 0) throw new Error(`refused without a word: ${text}`);
  },
};

const centralSeeds = [
  `kafka:
  brokers: ["127.0.0.1:9092"]
  sasl: { mechanism: plain, username: u, password: p }
topics: [driving]
topicPattern: "^v-.*$"
topicAgents: ["vehicles.{agent}", { topic: "depot-*", agent: "bus-*" }]
signatures: { mode: observe, keys: /nowhere }
store: central.db
listen: "127.0.0.1:8080"
apiKey: 0123456789abcdef
apiKeys: [{ name: ops, sha256: "${"ab".repeat(32)}", scopes: [read, operate] }]
sessionTimeout: 6s
fetchBytes: 384KiB
`,
  `relay: { agents: ["{agent}", { key: "depot-*", agent: "bus-*" }], bodyBytesMax: 4MiB, requestsMax: 10 }
listen: "[::1]:8080"
store: "postgres://central@db:5432/fleet?sslmode=verify-full"
storePassword: hidden
agentVehicles: [{ agent: "gw-{id}", vehicle: "car-{id}" }]
allowedHosts: [central.example]
rulesFile: rules.yaml
alerts: { webhook: { url: "https://hooks.example/x?y=1", authorization: "Bearer abc" } }
heartbeats: { topic: tailgate.heartbeats }
`,
];
const centralWords = [
  "alerts:",
  "url: file:///etc/passwd",
  "http://[",
  "topics:",
  "kafka:",
  "{agent}",
  "*",
  "6s",
  "1KiB",
  "sha256:",
  "[]",
  "scopes: [all]",
];

const dir = tempDir("tailgate-fuzz-");

/** The centre reads any file as its config, or refuses it with a reason. */
export const centralConfigs: FuzzTarget = {
  name: "the centre's config",
  try(random) {
    const file = dir.file("central.yaml");
    writeFileSync(file, mutateText(random, centralSeeds, centralWords));
    mayRefuse(() => loadConfig({ file, environment: {} }));
  },
  async end() {
    dir[Symbol.dispose]();
  },
};

const keyLine = `gw-1 ed25519:${Buffer.alloc(32, 7).toString("base64")}`;

/** Lists of keys, likewise. */
export const keyLists: FuzzTarget = {
  name: "lists of keys",
  try(random) {
    parseKeyList(mutateText(random, [`# fleet\n${keyLine}\n${keyLine} # old\n`], ["ed25519:", "gw-2", "=", "#"]));
  },
};
