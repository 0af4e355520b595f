import { existsSync } from "node:fs";
import { AppError } from "../../shared/errors/app-error.ts";
import type { PilotHome } from "./home.ts";
import { TOPIC } from "./pilot.ts";
import { type AuditResult, LineAudit, summarize } from "./simulator/audit.ts";
import { auditFolder, auditStore, auditTopic } from "./simulator/audit-places.ts";
import { readManifest } from "./simulator/manifest.ts";
import type { Way } from "./way.ts";

/** Where the lines are looked for. */
export interface BooksOptions {
  readonly place: PilotHome;
  /** Undefined: there is no topic. */
  readonly brokerAddress: string | undefined;
  /** Those that the lines have taken, in all starts. */
  readonly ways: readonly Way[];
  readonly url: string;
  readonly say: (text: string) => void;
}

/**
 * Looks for every line that was ever written: driving data in the topic (kcat, CRC checks on) and in the store (over
 * HTTP), device status in the daily files. Each line must be there once, as it was written, and in order per car.
 *
 * @returns whether all of it balances.
 */
export async function checkBooks(options: BooksOptions): Promise<boolean> {
  const { place, brokerAddress, ways, url, say } = options;
  const manifest = readManifest(place.pilotDir);
  if (manifest === undefined) throw new AppError("USAGE", `check the books: no simulation in ${place.pilotDir}`);
  const audit = () => new LineAudit(manifest.worlds, manifest.progress);
  const results: [string, AuditResult][] = [];

  if (brokerAddress === undefined) {
    say("there is no topic: the lines went straight to the centre");
  } else if (Bun.which("kcat") === null) {
    say("the topic is not looked at: kcat is not installed (apt-get install kcat)");
  } else {
    const topic = audit();
    await auditTopic(topic, brokerAddress, TOPIC);
    results.push(["topic", topicResult(topic.result("driving"), ways)]);
    if (ways.includes("relay"))
      say("lines of other starts went by relay: the topic need not have them, the store must");
  }
  const store = audit();
  await auditStore(store, url, "driving");
  results.push(["store", store.result("driving")]);
  if (manifest.progress.status > 0 && existsSync(place.lakeDir)) {
    const lake = audit();
    auditFolder(lake, place.lakeDir);
    results.push(["daily files", lake.result("status")]);
  }

  for (const [where, result] of results) {
    say(`${result.ok ? "ok    " : "WRONG "} ${where.padEnd(12)} ${summarize(result)}`);
    for (const example of result.examples) say(`         ${example}`);
  }
  return results.every(([, { ok }]) => ok);
}

/** What the topic has must be right; that it has everything is wanted only where every line went over it. */
export function topicResult(result: AuditResult, ways: readonly Way[]): AuditResult {
  if (!ways.includes("relay")) return result;
  const { repeated, outOfOrder, altered, unknown } = result;
  return { ...result, ok: repeated + outOfOrder + altered + unknown === 0 };
}
