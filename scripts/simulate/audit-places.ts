/** Shows the audit what some place holds, each read in a way that shares no code with the pipeline that filled it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { readTopic } from "../../shared/testing/topic.ts";
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
