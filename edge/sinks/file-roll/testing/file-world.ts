import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { VirtualClock } from "../../../../shared/clock/clock.ts";
import { RecordBatchBuilder } from "../../../../shared/kafka/record-batch/builder.ts";
import type { Lane } from "../../../core/lane.ts";
import type { LaneNotes } from "../../../core/lane-notes.ts";
import type { StoredBatch } from "../../../core/stored-batch.ts";
import { fakeContext } from "../../../testing/fakes/component.ts";
import { configSchema } from "../config.ts";
import { FileRollSink } from "../sink.ts";

/** Event times on two days. */
export const day1 = Date.parse("2026-11-20T10:00:00Z");
export const day2 = Date.parse("2026-11-21T10:00:00Z");

/** A lane of channel `main`. */
export function laneOf(stream: string, epoch = "e1"): Lane {
  return { id: 1, channel: "main", stream, epoch, number: 0, group: "t", part: undefined };
}

/** A stored batch of these lines; its id is the number of its first record. */
export function batchOf(
  lane: Lane,
  id: number,
  lines: readonly (readonly [timeMs: number, text: string])[],
): StoredBatch {
  const builder = new RecordBatchBuilder({ compression: "none", identity: undefined });
  builder.begin(id);
  for (const [timeMs, text] of lines) {
    const bytes = Buffer.from(text);
    builder.append({
      buffer: bytes,
      start: 0,
      end: bytes.length,
      eventTimeMs: timeMs,
      key: undefined,
      headerNames: [],
      headerValues: [],
    });
  }
  return { ...builder.seal(), id, lane, kind: "records", first: id };
}

/** What the sink uses of a reader: its lane, the mark that was durable when it was opened, and what is to come next. */
function notesOf(lane: Lane, mark?: string, next?: StoredBatch): LaneNotes {
  const unused = () => {
    throw new Error("the sink has no business with this");
  };
  return {
    lane,
    mark,
    seqAtStart: 0,
    begins: 0,
    next: () => next,
    kept: unused,
    lease: unused,
    session: unused,
    saveSession: unused,
    count: unused,
  };
}

/** A directory of daily files, and sinks that write to it, each as a process of its own would. */
export class FileWorld {
  readonly clock = new VirtualClock(day1, 1_000_000);
  /** Names of what the sinks said. */
  readonly said: string[] = [];
  constructor(
    readonly directory: string,
    readonly config: Record<string, unknown> = {},
    readonly agent = "gw-1",
    /** Of the sink in the config. */
    readonly sink = "test",
  ) {}

  /** What a new process makes of the lane: it knows what is on the disk, and the mark. */
  lane(lane: Lane, mark?: string, next?: StoredBatch) {
    const context = fakeContext({
      name: this.sink,
      clock: this.clock,
      agent: this.agent,
      report: ({ name }) => void this.said.push(name),
    });
    const sink = new FileRollSink(configSchema().parse({ directory: this.directory, ...this.config }), context);
    const delivery = sink.lane(notesOf(lane, mark, next));
    return {
      sink,
      deliver: async (batch: StoredBatch) => {
        const result = await delivery.deliver(batch, new AbortController().signal);
        if (result.kind !== "delivered") throw new Error(`not delivered: ${JSON.stringify(result)}`);
        return result.mark;
      },
      publish: () => sink.publish(),
    };
  }

  /** Published and in progress: name → content. */
  published(): Record<string, string> {
    return this.read("**/*", (file) => !file.startsWith(".in-progress"));
  }

  inProgress(): Record<string, string> {
    return this.read(".in-progress/*/*", () => true);
  }

  private read(pattern: string, wanted: (file: string) => boolean): Record<string, string> {
    const files = globSync(pattern, { cwd: this.directory, withFileTypes: true }).filter((entry) => entry.isFile());
    const relative = files.map((entry) => join(entry.parentPath, entry.name).slice(this.directory.length + 1));
    return Object.fromEntries(
      relative
        .filter(wanted)
        .map((file) => [file.split("/.").at(-1) ?? file, readFileSync(join(this.directory, file), "utf8")]),
    );
  }
}
