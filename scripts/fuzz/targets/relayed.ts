/** What agents bring or say by themselves: relayed bodies and heartbeats. */
import { readRelayedBody } from "../../../central/ingest/relay/relayed-body.ts";
import { plainRecord } from "../../../central/records/record-block.ts";
import { RecordFilter } from "../../../central/replay/filter.ts";
import { mendCrc } from "../../../central/testing/batches.ts";
import { relayBatch } from "../../../central/testing/relay-batch.ts";
import { outputBytesMax } from "../../../shared/compression/decompress-bounded.ts";
import { heartbeatBounds } from "../../../shared/heartbeat/format.ts";
import { readHeartbeat } from "../../../shared/heartbeat/heartbeat.ts";
import { HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { parseKeyList } from "../../../shared/signature/key-list.ts";
import { mutateBytes, mutateText, pick } from "../mutate.ts";
import { type FuzzTarget, mayRefuse } from "../target.ts";

const identities = ["gw1/e1/drive.0/0@1", "gw1/e1/drive.0/5-9!overflow@1", "gw2/e1/drive.0/0@1", "gw1/e1/drive.0/"];
const bodies = [
  relayBatch({ first: 0, count: 3 }),
  relayBatch({ first: 3, count: 1, agent: "gw2" }),
  Buffer.concat([relayBatch({ first: 0, count: 2 }), relayBatch({ first: 2, count: 2 })]),
  relayBatch({ first: 0, count: 4, identity: (seq) => identities[seq] }),
];
const { keys } = parseKeyList(`gw1 ed25519:${Buffer.alloc(32, 7).toString("base64")}`);

/** A body of the relay route is refused in words, or becomes blocks that a replay's filter can go through. */
export const relayedBodies: FuzzTarget = {
  name: "relayed bodies",
  try(random) {
    const body = Buffer.from(mutateBytes(random, bodies));
    if (body.length > HEADER_BYTES && random.next() < 0.8) {
      body.writeInt32BE(random.next() < 0.9 ? body.length - 12 : pick(random, body.length), 8);
      mendCrc(body);
    }
    const mayName = random.next() < 0.5 ? undefined : (agent: string) => agent === "gw1";
    const rules = { mayName, keys: random.next() < 0.5 ? undefined : keys };
    const blocks = mayRefuse(() => readRelayedBody(body, rules)) ?? [];
    const filter = new RecordFilter({ from: { timeMs: 1 }, vehicle: "car-1", stream: "drive" });
    for (const block of blocks) {
      if (block.bytes.length > outputBytesMax) throw new Error(`${block.bytes.length} bytes came out`);
      for (let index = 0; index < block.count; index++) plainRecord(block, index);
      const { slices } = filter.slices(block, "drive", { from: 0, to: pick(random, 2 ** 40) });
      for (const { from, to } of slices)
        if (from >= to || to > block.count) throw new Error(`a slice ${from} to ${to}`);
    }
  },
};

const name = { stream: "drive", epoch: "e1", lane: 0 };
const beats = [
  JSON.stringify({
    v: 1,
    agent: "gw-1",
    epoch: "e1",
    run: "00ff",
    n: 3,
    everyMs: 30_000,
    atMs: 1_700_000_100_000,
    upMs: 90_000,
    version: "1.0",
    config: "abc",
    backlog: { events: 15, bytes: 900 },
    freeDiskBytes: 1e9,
    lanes: [
      { ...name, to: "drive", assigned: 100, unsentFrom: 80, held: 15, shed: 5, dead: 0, hours: [[472_222, 70]] },
    ],
    lanesCut: 0,
    streams: [{ stream: "drive", counts: [["lost_at_source", 7]] }],
    outages: [{ id: 1, endedAgoMs: 10, forMs: 20, lanes: [{ ...name, first: 3, last: 9 }], lanesCut: 0 }],
  }),
];
const beatWords = [
  '"v":1',
  '"lanes":[]',
  '"lane":',
  "9007199254740993",
  "1e400",
  "-0",
  '"__proto__":{}',
  '"agent":"a/b"',
];

/** What an agent says of itself is within the bounds, or refused in words that are not the agent's. */
export const heartbeats: FuzzTarget = {
  name: "heartbeats",
  try(random) {
    const reading = readHeartbeat(Buffer.from(mutateText(random, beats, beatWords)));
    if (!reading.ok) {
      if (!/^(?:no heartbeat: |a heartbeat of more than )[\w .]*$/.test(reading.reason))
        throw new Error(reading.reason);
      return;
    }
    const { lanes, outages, n, upMs } = reading.beat;
    const numbers = [n, upMs, ...lanes.flatMap(({ assigned, unsentFrom, held }) => [assigned, unsentFrom, held])];
    if (numbers.some((each) => !(each >= 0 && each <= heartbeatBounds.number))) throw new Error(`${numbers}`);
    if (lanes.length > heartbeatBounds.lanes || outages.length > heartbeatBounds.outages) throw new Error("too many");
  },
};
