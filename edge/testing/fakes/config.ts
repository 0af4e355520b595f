import { parseConfig } from "../../config/load-config.ts";
import { formatProblem } from "../../config/problem.ts";
import { fakeRegistry } from "./registry.ts";

/** A config without a mistake, for tests that put one in. */
export const good = `agent: gw-0042
dataDir: /var/lib/tailgate
sources:
  driving:
    type: tail
    paths: ["/var/log/*.log"]
    interceptors:
      - { type: regex_filter, include: speed }
      - { type: regex_extractor, key: '"car":"([^"]+)"' }
    channels: [main]
channels:
  main: { type: sqlite, capacity: 1GiB }
sinks:
  kafka:
    type: kafka
    channel: main
    brokers: ["\${KAFKA_BROKERS:-127.0.0.1:9092}"]
    topic: driving
`;

/** The good config with a part of it exchanged. */
export function changed(from: string, to: string): string {
  if (!good.includes(from)) throw new Error(`the config holds no ${from}`);
  return good.replace(from, () => to);
}

/** What is wrong with a config, as the user reads it. */
export function problems(text: string, environment: Record<string, string> = {}): readonly string[] {
  const loaded = parseConfig("tailgate.yaml", text, fakeRegistry, environment);
  return loaded.ok ? [] : loaded.problems.map(formatProblem);
}

/** A config that must be right. */
export function load(text: string, environment: Record<string, string> = {}) {
  const loaded = parseConfig("/etc/tailgate/tailgate.yaml", text, fakeRegistry, environment);
  if (!loaded.ok) throw new Error(loaded.problems.map(formatProblem).join("\n"));
  return loaded;
}
