/** Test files that have the machine for themselves, each with its reason: they measure time or load every core. */
export const alone: Readonly<Record<string, string>> = {
  "scripts/build/build.e2e.test.ts": "compiles for five platforms, on all cores",
  "scripts/integration/central/central.integration.test.ts": "measures how long queries take under load",
  "scripts/integration/central/disk-full.integration.test.ts": "measures how soon storing goes on",
  "scripts/integration/central/hostile-vehicle.integration.test.ts":
    "compares latencies beside a flood that takes every core",
  "scripts/integration/edge/kafka-secure.integration.test.ts": "measures how soon a refused connection is told",
  "scripts/integration/edge/kafkajs-link.integration.test.ts": "measures deadlines",
  "scripts/replay/store-holds-each-line-once.e2e.test.ts": "measures how soon storing goes on",
};
