import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { runTest } from "../commands/config-test/run-test.ts";
import { loadConfig } from "../config/load-config.ts";
import { formatProblem } from "../config/problem.ts";
import { registry } from "../registry.gen.ts";

const examples = readdirSync(import.meta.dir).filter((name) => name.endsWith(".yaml"));

test("there is an example of each kind of use", () => {
  expect(examples.sort()).toEqual([
    "database.yaml",
    "filter-and-key.yaml",
    "heartbeat.yaml",
    "kafka-channel.yaml",
    "listening.yaml",
    "memory.yaml",
    "minimal.yaml",
    "pilot.yaml",
    "relay-aggregator.yaml",
    "relay.yaml",
    "secure.yaml",
    "spillable.yaml",
    "topology-agents.yaml",
    "topology-aggregator.yaml",
    "topology-many-agents.yaml",
    "topology-one-flow.yaml",
    "topology-routing.yaml",
  ]);
});

test.each(examples)("%s is valid", (name) => {
  using secrets = tempDir();
  writeFileSync(secrets.file("ca.pem"), "-----BEGIN CERTIFICATE-----\n");
  writeFileSync(secrets.file("kafka-password"), "hunter2\n");
  writeFileSync(secrets.file("database-password"), "hunter2\n");
  writeFileSync(secrets.file("central-key"), "hunter2\n");
  const loaded = loadConfig(join(import.meta.dir, name), registry, { TAILGATE_SECRETS: secrets.path });
  expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([]);
  expect(loaded.ok && JSON.stringify(loaded.effective)).not.toContain("hunter2");
});

test("the tests that an example holds are green", async () => {
  let ran = 0;
  for (const name of examples) {
    const loaded = loadConfig(join(import.meta.dir, name), registry, { TAILGATE_SECRETS: import.meta.dir });
    if (!loaded.ok) continue; // It wants secrets, and is looked at above.
    for (const each of loaded.tests) {
      expect([name, await runTest(loaded.config, each)]).toEqual([name, expect.objectContaining({ failures: [] })]);
      ran++;
    }
  }
  expect(ran).toBeGreaterThan(2);
});

test("a channel without identity is refused where its sink knows records by nothing else", () => {
  using secrets = tempDir();
  writeFileSync(secrets.file("ca.pem"), "-----BEGIN CERTIFICATE-----\n");
  writeFileSync(secrets.file("central-key"), "a-key\n");
  const text = readFileSync(join(import.meta.dir, "relay.yaml"), "utf8");
  writeFileSync(secrets.file("relay.yaml"), text.replace("capacity: 2GiB", "capacity: 2GiB, identity: false"));
  const loaded = loadConfig(secrets.file("relay.yaml"), registry, { TAILGATE_SECRETS: secrets.path });
  expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([
    expect.stringMatching(
      /sinks\.central: knows each record by its identity, and channel "main" has `identity: false`/,
    ),
  ]);
});

test.each([
  ["source and sink", [], []],
  ["a source alone", ["sinks"], []],
  ["a sink alone", ["sources", "tests"], []],
  [
    "neither",
    ["sources", "sinks", "tests"],
    ["channels.topic: no source feeds this channel, and no sink drains it (name it in a source or in a sink)"],
  ],
])("a topic as channel with %s", (_, without, expected) => {
  using dir = tempDir();
  let text = readFileSync(join(import.meta.dir, "kafka-channel.yaml"), "utf8");
  for (const part of without) text = text.replace(new RegExp(`^${part}:\\n(?:[ #].*\\n)+`, "m"), `${part}: {}\n`);
  text = text.replace("tests: {}\n", "");
  writeFileSync(dir.file("tailgate.yaml"), text);
  const loaded = loadConfig(dir.file("tailgate.yaml"), registry, {});
  const said = loaded.ok ? [] : loaded.problems.map(({ key, message, hint }) => `${key}: ${message} (${hint})`);
  expect(said).toEqual(expected);
});

test("every definition's own example is valid, and each of its keys says what it means", () => {
  for (const definition of Object.values(registry).flat()) {
    const reading = definition.type === "module" ? { ok: true } : definition.read(definition.example);
    expect([definition.type, reading.ok]).toEqual([definition.type, true]);
    expect(definition.type).toMatch(/^[a-z][a-z0-9_]*$/);
  }
});
