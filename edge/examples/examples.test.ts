import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { loadConfig } from "../config/load-config.ts";
import { formatProblem } from "../config/problem.ts";
import { registry } from "../registry.gen.ts";

const examples = readdirSync(import.meta.dir).filter((name) => name.endsWith(".yaml"));

test("there is an example of each kind of use", () => {
  expect(examples.sort()).toEqual([
    "filter-and-key.yaml",
    "listening.yaml",
    "memory.yaml",
    "minimal.yaml",
    "pilot.yaml",
    "secure.yaml",
    "topology-one-flow.yaml",
    "topology-routing.yaml",
  ]);
});

test.each(examples)("%s is valid", (name) => {
  using secrets = tempDir();
  writeFileSync(secrets.file("ca.pem"), "-----BEGIN CERTIFICATE-----\n");
  writeFileSync(secrets.file("kafka-password"), "hunter2\n");
  const loaded = loadConfig(join(import.meta.dir, name), registry, { TAILGATE_SECRETS: secrets.path });
  expect(loaded.ok ? [] : loaded.problems.map(formatProblem)).toEqual([]);
  expect(loaded.ok && JSON.stringify(loaded.effective)).not.toContain("hunter2");
});

test("every definition's own example is valid, and each of its keys says what it means", () => {
  for (const definition of Object.values(registry).flat()) {
    const reading = definition.type === "module" ? { ok: true } : definition.read(definition.example);
    expect([definition.type, reading.ok]).toEqual([definition.type, true]);
    expect(definition.type).toMatch(/^[a-z][a-z0-9_]*$/);
  }
});
