import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { readCall, readThriftFrame, thriftStatus, writeStatus } from "../../../shared/thrift-rpc/flume.ts";
import { protocolOf } from "../../../shared/thrift-rpc/protocol.ts";
import { recordSinkContract } from "../../testing/contracts/record-sink.contract.ts";
import { FlumeWorld, flumeLacks } from "../../testing/fakes/flume-world.ts";
import definition from "./index.ts";

/** A Flume's Thrift source. */
class ThriftWorld extends FlumeWorld {
  readonly definition = definition;
  readonly protocols = new Set<string>();

  protected talk(socket: Socket): (bytes: Buffer) => number {
    return (bytes) => {
      let at = 0;
      const next = () => readThriftFrame(bytes.subarray(at), 1e8);
      for (let frame = next(); frame !== undefined; frame = next()) {
        at += 4 + frame.length;
        this.hear(Buffer.from(frame), socket);
      }
      return at;
    };
  }

  private hear(frame: Buffer, socket: Socket): void {
    const protocol = protocolOf(frame);
    if (protocol === undefined) throw new Error("no Thrift");
    this.protocols.add(protocol);
    const { message, events = [] } = readCall(protocol, frame, 100_000);
    expect(message.name).toBe("appendBatch");
    void this.take(
      socket,
      () => events,
      (isTaken) => writeStatus(protocol, message, isTaken ? thriftStatus.ok : thriftStatus.failed),
    );
  }
}

recordSinkContract("thrift", () => new ThriftWorld().open(), flumeLacks);

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

test("a batch that is larger than the other side's transactions is taken in halves, each event once", async () => {
  await using world = await new ThriftWorld().open();
  world.takesAtOnce(7);
  await world.deliver({}, 50);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(50));
});

test.each(["compact", "binary"])("the protocol is as the config says: %s", async (protocol) => {
  await using world = await new ThriftWorld().open();
  await world.deliver({ batchSize: 10, protocol }, 30);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(30));
  expect([...world.protocols]).toEqual([protocol]);
});

test("an answer that never comes ends with the time-out, and the events stay", async () => {
  await using world = await new ThriftWorld().open();
  world.slow(1_000);
  await expect(world.deliver({ requestTimeout: "200ms" }, 3)).rejects.toMatchObject({ severity: "transient" });
});
