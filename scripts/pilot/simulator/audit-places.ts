/** Shows the audit what some place holds, each read in a way that shares no code with the pipeline that filled it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readTopic } from "../../drivers/kafka/topic.ts";
import type { LineAudit } from "./audit.ts";

/**
 * All records of a topic, by kcat with CRC checks; a partition is a channel.
 *
 * @returns how many records there were.
 */
export function auditTopic(audit: LineAudit, broker: string, topic: string): Promise<number> {
  return readTopic(broker, topic, (record) => {
    if (record.value !== null) audit.see(record.value, `partition ${record.partition}`);
  });
}

/**
 * All lines of all files in a folder, those in folders below included, in the order of their time of change and name.
 * The folder is one channel: what a line came after in an earlier file counts too.
 */
export function auditFolder(audit: LineAudit, folder: string): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, changedMs: statSync(path).mtimeMs }))
    .sort((a, b) => a.changedMs - b.changedMs || (a.path < b.path ? -1 : 1));
  for (const { path } of files) auditBytes(audit, readFileSync(path), folder);
}

/** The lines of one file or other stretch of bytes. */
export function auditBytes(audit: LineAudit, bytes: Buffer, channel: string): void {
  let at = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, at)) {
    audit.see(bytes.subarray(at, end), channel);
    at = end + 1;
  }
  if (at < bytes.length) audit.see(bytes.subarray(at), channel);
}

interface StoredEvent {
  readonly value?: string;
  readonly identity?: { readonly epoch: string; readonly lane: number; readonly seq: number };
}

/**
 * All events of a stream that the centre serves over HTTP, vehicle by vehicle. Pages come by event time, which is not
 * the order of writing; the numbers of each record's lane are. A lane is a channel.
 *
 * @param url the centre's address: `http://127.0.0.1:8080/`.
 */
export async function auditStore(audit: LineAudit, url: string, stream: string): Promise<void> {
  for await (const { vehicle } of pages<{ vehicle: string }>(url, "api/v1/vehicles?limit=1000", "vehicles")) {
    const query = `api/v1/events?vehicle=${encodeURIComponent(vehicle)}&stream=${stream}&limit=10000`;
    const events: StoredEvent[] = [];
    for await (const event of pages<StoredEvent>(url, query, "events")) events.push(event);
    events.sort((a, b) => (a.identity?.seq ?? 0) - (b.identity?.seq ?? 0));
    for (const { value = "", identity } of events) audit.see(value, `lane ${identity?.epoch}/${identity?.lane}`);
  }
}

async function* pages<T>(url: string, query: string, name: string): AsyncGenerator<T> {
  let cursor = "";
  do {
    const answer = await fetch(new URL(`${query}${cursor}`, url));
    if (!answer.ok) throw new Error(`GET ${query}: ${answer.status} ${await answer.text()}`);
    const page = (await answer.json()) as Record<string, T[]> & { next?: string };
    yield* page[name] ?? [];
    cursor = page.next === undefined ? "" : `&cursor=${page.next}`;
  } while (cursor !== "");
}
