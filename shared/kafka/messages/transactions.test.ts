import { describe, expect, test } from "bun:test";
import type { Message } from "../message.ts";
import { WireReader, WireWriter } from "../wire.ts";
import { fetchCommittedMessage } from "./fetch.ts";
import { initTransactionsMessage } from "./init-producer-id.ts";
import { committedOffsetMessage } from "./list-offsets.ts";
import { produceMessage } from "./produce.ts";
import {
  addOffsetsMessage,
  addPartitionsMessage,
  endTransactionMessage,
  findCoordinatorMessage,
  offsetFetchMessage,
  txnOffsetCommitMessage,
} from "./transactions.ts";

const transaction = { transactionalId: "t", producerId: 7n, producerEpoch: 2 };
const producer = `${"0000000000000007"}${"0002"}`;
const t = "000174";
const g = "000167";
const topic = `0005${Buffer.from("drive").toString("hex")}`;

function bodyOf(write: (to: WireWriter) => unknown): Buffer {
  const to = new WireWriter();
  write(to);
  return Buffer.from(to.written);
}

const sent = (message: Message<unknown>, version: number) => bodyOf((to) => message.write(to, version)).toString("hex");
const answered = <Answer>(message: Message<Answer>, version: number, write: (to: WireWriter) => unknown) =>
  message.read(new WireReader(bodyOf(write)), version);

describe("the requests of a transaction", () => {
  test.each([
    ["FindCoordinator of a group", findCoordinatorMessage("g", "group"), 1, `${g}00`],
    ["FindCoordinator of transactions", findCoordinatorMessage("t", "transaction"), 2, `${t}01`],
    ["InitProducerId", initTransactionsMessage("t", 60_000), 1, `${t}0000ea60`],
    ["InitProducerId, compact", initTransactionsMessage("t", 60_000), 3, `02740000ea60${"ff".repeat(10)}00`],
    [
      "AddPartitionsToTxn",
      addPartitionsMessage(transaction, "drive", [3]),
      0,
      `${t}${producer}00000001${topic}0000000100000003`,
    ],
    ["AddOffsetsToTxn", addOffsetsMessage(transaction, "g"), 0, `${t}${producer}${g}`],
    ["EndTxn, commit", endTransactionMessage(transaction, true), 1, `${t}${producer}01`],
    ["EndTxn, roll back", endTransactionMessage(transaction, false), 1, `${t}${producer}00`],
    ["OffsetFetch of all", offsetFetchMessage("g"), 5, `${g}ffffffff`],
  ] as const)("%s", (_, message, version, expected) => {
    expect(sent(message, version)).toBe(expected);
  });

  test("TxnOffsetCommit: topic by topic, with the leader's epoch from version 2 on", () => {
    const at = { topic: "drive", metadata: "m" };
    const message = txnOffsetCommitMessage(transaction, "g", [
      { ...at, partition: 0, offset: 5 },
      { ...at, partition: 1, offset: 6 },
    ]);
    const head = `${t}${g}${producer}00000001${topic}00000002`;
    const row = (partition: number, offset: number, epoch: string) =>
      `0000000${partition}000000000000000${offset}${epoch}00016d`;
    expect(sent(message, 1)).toBe(`${head}${row(0, 5, "")}${row(1, 6, "")}`);
    expect(sent(message, 2)).toBe(`${head}${row(0, 5, "ffffffff")}${row(1, 6, "ffffffff")}`);
    const answer = (to: WireWriter) =>
      to.int32(0).list([51], (code) => to.string("drive").list([0, code], (each) => to.int32(0).int16(each)));
    expect(answered(message, 2, answer)).toEqual({ errorCode: 51 });
  });

  test("OffsetFetch: what was committed, with its words; what never was is left out", () => {
    const answer = (to: WireWriter) =>
      to
        .int32(0)
        .list(["drive"], (name) =>
          to.string(name).list([9, -1], (offset) =>
            to
              .int32(offset < 0 ? 1 : 0)
              .int64(offset)
              .int32(-1)
              .string("m")
              .int16(0),
          ),
        )
        .int16(0);
    expect(answered(offsetFetchMessage("g"), 5, answer)).toEqual({
      errorCode: 0,
      offsets: [{ topic: "drive", partition: 0, offset: 9, metadata: "m" }],
    });
  });

  test("Produce names the transaction", () => {
    const batch = { topic: "drive", partition: 0, bytes: Buffer.of(1) };
    expect(sent(produceMessage([batch], 1_000, "t"), 7).startsWith(`${t}ffff`)).toBe(true);
    expect(sent(produceMessage([batch], 1_000), 7).startsWith("ffffffff")).toBe(true);
  });
});

describe("a reader of committed records", () => {
  test("asks for the log's start, its end, or a time, at isolation level 1", () => {
    const asked = (time: string) => `ffffffff0100000001${topic}0000000100000002${time}`;
    expect(sent(committedOffsetMessage("drive", 2, "start"), 2)).toBe(asked("fffffffffffffffe"));
    expect(sent(committedOffsetMessage("drive", 2, "end"), 2)).toBe(asked("ffffffffffffffff"));
    expect(sent(committedOffsetMessage("drive", 2, { timeMs: 5 }), 2)).toBe(asked("0000000000000005"));
  });

  test("fetches at isolation level 1, and says when the partition is left out", () => {
    const message = fetchCommittedMessage("drive", 2, 9, 1024);
    expect(sent(message, 10).slice(8, 34)).toBe("000001f4000000010000040001");
    expect(
      answered(message, 10, (to) =>
        to
          .int32(0)
          .int16(70)
          .int32(0)
          .list([], () => {}),
      ),
    ).toEqual({
      errorCode: 70,
      answer: undefined,
    });
  });
});
