/** `take: batches`: what goes on, and under which name. */
import { afterEach, expect, test } from "bun:test";
import { IDENTITY_HEADER, lanePrefix } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { crcMatches, stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { findSignature, signatureOf } from "../../../shared/kafka/record-batch/signature.ts";
import { makeSigningKey, readPublicKey, readSigningKey } from "../../../shared/signature/keys.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { CommittedWork } from "../../testing/fakes/intake.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const lane = { agent: "gw-1", epoch: "e1", stream: "driving", lane: 0 };

interface Line {
  readonly text: string;
  readonly key?: string;
  readonly timeMs?: number;
}

function sealed(first: number, lines: readonly Line[]) {
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: lane });
  builder.begin(first);
  for (const { text, key, timeMs = 1_700_000_000_000 } of lines) {
    const buffer = Buffer.from(text);
    builder.append({
      buffer,
      start: 0,
      end: buffer.length,
      eventTimeMs: timeMs,
      key,
      headerNames: [],
      headerValues: [],
    });
  }
  const batch = builder.seal();
  return { ...batch, bytes: Buffer.from(batch.bytes) };
}

const lines = (from: number, to: number, key?: string) =>
  Array.from({ length: to - from }, (_, at) => ({ text: `line ${from + at}`, ...(key === undefined ? {} : { key }) }));
const batch = (from: number, to: number, key?: string) => sealed(from, lines(from, to, key)).bytes;

function marker(text: string): Buffer {
  const builder = new RecordBatchBuilder({ compression: "none", identity: undefined });
  builder.begin(0);
  const nothing = { buffer: Buffer.alloc(0), start: 0, end: 0, eventTimeMs: 1, key: undefined };
  builder.append({ ...nothing, headerNames: [IDENTITY_HEADER], headerValues: [text] });
  return Buffer.from(builder.seal().bytes);
}

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

async function started(work = new CommittedWork(), dataDir = tempDir().path) {
  const run: RunningSource = runSource({ definition, config: { address: "127.0.0.1:0" }, dataDir, work });
  ended.push(() => run.crash());
  await until("the source to listen", () => run.isLoaded && Number(run.source.status().port) > 0);
  const url = `http://127.0.0.1:${run.source.status().port}/api/v1/relay`;
  const post = async (body: Buffer, via?: string) => {
    const type = { "content-type": "application/vnd.tailgate.record-batches" };
    const headers = via === undefined ? type : { ...type, "tailgate-via": via };
    const response = await fetch(url, { method: "POST", body, headers });
    const { records }: { readonly records?: number } = Object(await response.json());
    return [response.status, records];
  };
  const names = () => run.intake.carried.map(({ carried }) => carried);
  return { run, post, names };
}

test("a batch goes on as it came, under the name that its sender gave the records", async () => {
  const { run, post, names } = await started();
  const sent = [batch(0, 10), batch(10, 12)];
  expect(await post(Buffer.concat(sent))).toEqual([200, 12]);
  // As a group would that has sent 12 to 19 elsewhere.
  expect(await post(batch(20, 21))).toEqual([200, 1]);
  const { carried } = run.intake;
  expect(carried.map(({ bytes }) => bytes.toString("base64")).slice(0, 2)).toEqual(
    sent.map((each) => each.toString("base64")),
  );
  expect(names()).toEqual(["0-9", "10-11", "20-20"].map((numbers) => `${lanePrefix(lane)}${numbers}`));
  expect(carried[0]).toMatchObject({ count: 10, timeMsMin: 1_700_000_000_000, timeMsMax: 1_700_000_000_000 });
});

test("what it answers for the channel to send it fits the bytes: the header can be stamped", async () => {
  const { run, post } = await started();
  await post(
    sealed(0, [
      { text: "b", timeMs: 5_000 },
      { text: "a", timeMs: 4_000 },
    ]).bytes,
  );
  const [carried] = run.intake.carried;
  expect([carried?.timeMsMin, carried?.timeMsMax]).toEqual([4_000, 5_000]);
  if (carried === undefined) throw new Error("nothing was carried");
  stampBatch(carried.bytes, carried.recordsCrc, { producerId: 7n, producerEpoch: 1, baseSequence: 3 });
  expect(crcMatches(carried.bytes)).toBe(true);
});

test("a signature stays", async () => {
  const { run, post } = await started();
  const key = readSigningKey(makeSigningKey());
  const read = key.ok ? readPublicKey(key.value.publicText) : key;
  if (!key.ok || !read.ok) throw new Error("the key cannot be read");
  const { bytes, recordsCrc } = sealed(0, lines(0, 5));
  const trailer = signatureOf(bytes, key.value);
  stampBatch(bytes, recordsCrc, { producerId: -1n, producerEpoch: -1, baseSequence: -1, trailer });
  expect(await post(Buffer.concat([bytes, trailer]))).toEqual([200, 5]);
  const [carried] = run.intake.carried;
  expect(carried && findSignature(carried.bytes)?.verifiedBy(read.value.key)).toBe(true);
});

test("the same batch again is left out; another one with numbers that came goes on whole, and is counted", async () => {
  const { run, post, names } = await started();
  for (const body of [batch(0, 4), batch(0, 4), batch(2, 9), Buffer.concat([batch(5, 9), batch(9, 10)])]) {
    expect((await post(body))[0]).toBe(200);
  }
  expect(names()).toEqual(["0-3", "2-8", "5-8", "9-9"].map((numbers) => `${lanePrefix(lane)}${numbers}`));
  expect(run.intake.counter("repeats_left_out")).toBe(4);
  expect(run.intake.counter("numbers_again")).toBe(7 + 4);
});

test("what comes later than higher numbers is no repeat: it came another way", async () => {
  const { run, post, names } = await started();
  for (const body of [batch(10, 20), batch(30, 40), batch(20, 30), batch(0, 10), batch(20, 30), batch(40, 41)]) {
    expect((await post(body))[0]).toBe(200);
  }
  const went = ["10-19", "30-39", "20-29", "0-9", "40-40"];
  expect(names()).toEqual(went.map((numbers) => `${lanePrefix(lane)}${numbers}`));
  expect([run.intake.counter("repeats_left_out"), run.intake.counter("numbers_again")]).toEqual([10, 0]);
});

test("an older data folder of a sender was put back: what it writes under numbers that came goes on, and is said", async () => {
  const { run, post } = await started();
  await post(batch(0, 10));
  await post(batch(10, 20));
  const others = lines(0, 10).map(({ text }) => ({ text: `other ${text}` }));
  expect(await post(sealed(10, others).bytes)).toEqual([200, 10]);
  expect(run.intake.lines.slice(20)).toEqual(others.map(({ text }) => text));
  expect(run.reports.filter(({ signal }) => signal === "relay_source_numbers_again")).toMatchObject([
    { fields: { lane: "gw-1/e1/driving.0", records: 10 } },
  ]);
});

test("killed after the commit and before the answer: the same again is left out, what is late is not", async () => {
  using dir = tempDir();
  const work = new CommittedWork();
  const first = await started(work, dir.path);
  await first.post(batch(0, 10));
  await first.post(batch(20, 30));
  await first.run.crash();
  const second = await started(work, dir.path);
  for (const body of [batch(20, 30), batch(10, 20), batch(10, 20), batch(30, 31)]) {
    expect((await second.post(body))[0]).toBe(200);
  }
  expect(second.names()).toEqual(["10-19", "30-30"].map((numbers) => `${lanePrefix(lane)}${numbers}`));
});

test("a sender's marker goes on: whoever keeps its books hears of it", async () => {
  const { post, names } = await started();
  await post(batch(0, 2));
  expect(await post(marker(`${lanePrefix(lane)}2-6!overflow@1700000000000`))).toEqual([200, 1]);
  expect(await post(marker(`${lanePrefix(lane)}2-6!overflow@1700000000000`))).toEqual([200, 1]);
  await post(batch(7, 8));
  expect(names()).toEqual(["0-1", "2-6", "7-7"].map((numbers) => `${lanePrefix(lane)}${numbers}`));
});

test.each([
  ["the one key of its records", lines(0, 3, "KA-1"), "KA-1", false],
  ["none, when they have none", lines(0, 3), undefined, false],
  ["none, when they have several", [...lines(0, 1, "KA-1"), ...lines(1, 2, "KA-2")], undefined, true],
  ["none, when some have none", [...lines(0, 1), ...lines(1, 2, "KA-2")], undefined, true],
  ["none, when one begins as the other", [...lines(0, 1, "KA"), ...lines(1, 2, "KA-2")], undefined, true],
])("its key is %s", async (_, content, key, hasSeveralKeys) => {
  const { run, post } = await started();
  await post(sealed(0, content).bytes);
  expect(run.intake.carried).toMatchObject([{ agent: "gw-1", stream: "driving", key, hasSeveralKeys }]);
});

test("a batch that a broker would refuse is refused here: all that stands behind it would wait", async () => {
  const { run, post } = await started();
  const withHeader = (offset: number, value: number) => {
    const { bytes, recordsCrc } = sealed(0, lines(0, 3));
    bytes.writeInt16BE(value, offset);
    stampBatch(bytes, recordsCrc, { producerId: -1n, producerEpoch: -1, baseSequence: -1 });
    return bytes;
  };
  const { bytes } = sealed(0, lines(0, 3));
  const zstd = bytes.readInt16BE(21);
  // Times of the append; a last offset that is not its last record's.
  for (const body of [withHeader(21, zstd | 8), withHeader(25, 7)]) expect((await post(body))[0]).toBe(422);
  expect(run.intake.carried).toEqual([]);
});

test("by which aggregators it came is kept; one that went on from here is not taken back", async () => {
  const { run, post, names } = await started();
  expect(await post(batch(0, 2), "agg-9,a%20b")).toEqual([200, 2]);
  expect(names()).toEqual([`${lanePrefix(lane)}0-1 via=agg-9,a%20b`]);
  for (const via of ["agent-1", "agg-9,agent-1", Array.from({ length: 17 }, (_, at) => `agg-${at}`).join(",")]) {
    expect((await post(batch(2, 3), via))[0]).toBe(421);
  }
  expect((await post(batch(2, 3), "%zz"))[0]).toBe(400);
  expect(run.intake.carried).toHaveLength(1);
  expect(run.reports.some(({ signal }) => signal === "relay_source_ring")).toBe(true);
});
