import { expect, test } from "bun:test";
import { messageOf } from "../../shared/errors/app-error.ts";
import { RecordBatchBuilder } from "../../shared/kafka/record-batch/builder.ts";
import type { Lane } from "../core/lane.ts";
import { RecordSink } from "../records/record-sink.ts";
import { recordSinkContract, type SinkWorld } from "../testing/contracts/record-sink.contract.ts";
import { createComponent, fakeContext } from "../testing/fakes/component.ts";
import logger, { LoggerDestination, type Write } from "./logger.ts";
import discard from "./null.ts";

const lane: Lane = {
  id: 1,
  channel: "main",
  stream: "driving",
  epoch: "e",
  number: 0,
  group: "t",
  part: undefined,
};

const notes = { lane, count: () => undefined };

function loggerTo(write: Write, maxBytesToLog = 5): RecordSink {
  return new RecordSink(fakeContext(), { destination: new LoggerDestination({ maxBytesToLog }, write), writersMax: 1 });
}

function batch(timeMs = 1_700_000_000_000) {
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
  builder.begin(7);
  const bytes = Buffer.from("speed=88");
  builder.append({
    buffer: bytes,
    start: 0,
    end: 8,
    eventTimeMs: timeMs,
    key: "KA-1",
    headerNames: ["area"],
    headerValues: ["A-7"],
  });
  builder.append({
    buffer: bytes,
    start: 0,
    end: 8,
    eventTimeMs: 1_700_000_000_001,
    key: undefined,
    headerNames: [],
    headerValues: [],
  });
  return { ...builder.seal(), id: 1, lane, kind: "records" as const, first: 7 };
}

test("logger writes one JSON object an event, cut where it was asked to", async () => {
  let written = "";
  const sink = loggerTo(async (text) => {
    written += text;
  });
  expect(await sink.lane(notes).deliver(batch(), new AbortController().signal)).toEqual({ kind: "delivered" });
  expect(
    written
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line)),
  ).toEqual([
    {
      stream: "driving",
      seq: 7,
      time: "2023-11-14T22:13:20.000Z",
      key: "KA-1",
      headers: { area: "A-7" },
      body: "speed",
      cut: true,
    },
    { stream: "driving", seq: 8, time: "2023-11-14T22:13:20.001Z", headers: {}, body: "speed", cut: true },
  ]);
});

test("a batch whose text was not taken is not delivered", async () => {
  const sink = loggerTo(() => Promise.reject(new Error("EPIPE")));
  const delivering = sink.lane(notes).deliver(batch(), new AbortController().signal);
  const thrown: unknown = await delivering.catch((error: unknown) => error);
  expect(thrown).toMatchObject({ severity: "transient" });
  expect(messageOf(thrown)).toContain("EPIPE");
});

test("a time that no date can hold stops nothing", async () => {
  let written = "";
  const sink = loggerTo(async (text) => {
    written += text;
  });
  await sink.lane(notes).deliver(batch(8_640_000_000_000_001), new AbortController().signal);
  expect(written).toContain('"time":8640000000000001');
});

/** A standard output that can be slow or closed. */
class Output {
  private readonly texts: string[] = [];
  private readonly sizes: number[] = [];
  private isAway = false;
  private waitMs = 0;
  private now = 0;
  private most = 0;

  async write(text: string): Promise<void> {
    this.most = Math.max(this.most, ++this.now);
    try {
      if (this.waitMs > 0) await Bun.sleep(this.waitMs);
      if (this.isAway) throw new Error("EPIPE");
      const lines = text.trimEnd().split("\n");
      this.texts.push(...lines);
      this.sizes.push(lines.length);
    } finally {
      this.now--;
    }
  }

  world(): SinkWorld {
    const cannot = () => {
      throw new Error("standard output cannot do this");
    };
    return {
      definition: {
        ...logger,
        config: logger.config,
        read: () => ({
          ok: true,
          value: {
            config: {},
            layout: undefined,
            needsIdentity: false,
            create: () => loggerTo((text) => this.write(text), 10_000),
          },
        }),
      },
      config: {},
      smallWrites: {},
      writersMax: 1,
      received: () =>
        this.texts.map((line) => {
          const { stream, seq, time, key, headers, body } = JSON.parse(line);
          return { id: `${stream}/${seq}`, body, timeMs: Date.parse(time), key, headers };
        }),
      arrivals: () => this.texts.length,
      writeSizes: () => this.sizes,
      writersAtOnce: () => this.most,
      away: (away) => {
        this.isAway = away;
      },
      slow: (ms) => {
        this.waitMs = ms;
      },
      loseAnswer: cannot,
      awayAfter: cannot,
      refuse: cannot,
      refuseAndSay: cannot,
      bytesMax: cannot,
      lockOut: cannot,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
}

const neverRefuses = "standard output takes every event";
const knowsNoRepeat = "standard output knows no repeat: what is written again is there twice";

recordSinkContract("logger", async () => new Output().world(), {
  "its example is a valid config": "shown by the examples' own test; here its definition writes to an array",
  "bytes pass untouched": "it shows text: what is no UTF-8 becomes U+FFFD",
  "an event has the same id whenever it comes": "it shows no id",
  "lanes are written side by side, each in order, and not more at once than may be": "it shows no lane",
  "an answer that is lost: written again, nothing is missing, repeats have the same id": knowsNoRepeat,
  "away in the middle of a batch: it goes on where it stopped": "a batch is one write",
  "a process that was killed in the middle writes the batch from its beginning": knowsNoRepeat,
  "stopped in the middle of a write it ends soon, and the batch is tried again":
    "a write to standard output cannot be taken back",
  "stopped while it waits for its turn it ends soon": "the write that has the turn cannot be taken back",
  "a refused event is buried alone, with its reason, and the others arrive once": neverRefuses,
  "refused at both ends and side by side: each is found": neverRefuses,
  "all refused: all buried, and the next batch goes on": neverRefuses,
  "a destination that says which events it refuses is not asked again for the others": neverRefuses,
  "away while it looks for the refused event: it goes on, and nothing is written twice": neverRefuses,
  "a batch that is too large is written in smaller ones": "no batch is too large",
  "a destination that takes less than was thought: halves are tried, and all arrive": neverRefuses,
  "a single event that is too large is buried, and the others arrive": neverRefuses,
  "wrong credentials are tried again, and lose nothing": "it asks for none",
  "a probe says whether the destination answers, and leaves nothing there": "there is nothing to try",
});

test("null counts what it takes", async () => {
  const sink = createComponent(discard, {}, fakeContext());
  const unused = () => {
    throw new Error("the sink has no business with this");
  };
  const reader = {
    lane,
    mark: undefined,
    seqAtStart: 0,
    begins: 0,
    next: unused,
    kept: unused,
    readAhead: unused,
    lease: unused,
    acknowledge: unused,
    bury: unused,
    replace: unused,
    session: unused,
    saveSession: unused,
    count: unused,
  };
  await sink.lane(reader).deliver(batch(), new AbortController().signal);
  expect(sink.status()).toEqual({ state: "discarding", events: 2 });
});
