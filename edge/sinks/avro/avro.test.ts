import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { AvroReader, AvroWriter } from "../../../shared/avro-rpc/binary.ts";
import { readEvents } from "../../../shared/avro-rpc/flume-events.ts";
import { hashOf, protocolText, speaksFlume, status } from "../../../shared/avro-rpc/flume-protocol.ts";
import { readFrame, writeFrame } from "../../../shared/avro-rpc/frames.ts";
import { readHandshakeRequest, skipMeta, writeHandshakeResponse } from "../../../shared/avro-rpc/handshake.ts";
import { recordSinkContract } from "../../testing/contracts/record-sink.contract.ts";
import { FlumeWorld, flumeLacks } from "../../testing/fakes/flume-world.ts";
import definition from "./index.ts";

/** A Flume's Avro source. */
class AvroWorld extends FlumeWorld {
  readonly definition = definition;
  /** Whether the server knows the client's protocol without being told. */
  knows = false;
  handshakes = 0;

  protected talk(socket: Socket): (bytes: Buffer) => number {
    let agreed = false;
    return (bytes) => {
      let at = 0;
      const next = () => readFrame(bytes.subarray(at), 1e8);
      for (let frame = next(); frame !== undefined; frame = next()) {
        at += frame.length;
        const reader = new AvroReader(frame.payload);
        const writer = new AvroWriter();
        if (!agreed) agreed = this.agree(reader, writer);
        if (agreed) this.hear(reader, writer, socket, frame.serial);
        else socket.write(writeFrame(frame.serial, writer.written));
      }
      return at;
    };
  }

  private agree(reader: AvroReader, writer: AvroWriter): boolean {
    this.handshakes++;
    const { clientProtocol = "" } = readHandshakeRequest(reader);
    const agreed = this.knows || speaksFlume(clientProtocol);
    writeHandshakeResponse(writer, agreed ? "client" : "none", { text: protocolText, hash: hashOf(protocolText) });
    return agreed;
  }

  private hear(reader: AvroReader, writer: AvroWriter, socket: Socket, serial: number): void {
    skipMeta(reader);
    expect(reader.string()).toBe("appendBatch");
    void this.take(
      socket,
      () => readEvents(reader, 100_000),
      (isTaken) =>
        writeFrame(
          serial,
          writer
            .long(0)
            .boolean(false)
            .long(isTaken ? status.ok : status.failed).written,
        ),
    );
  }
}

recordSinkContract("avro", () => new AvroWorld().open(), flumeLacks);

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}`);

test("a batch that is larger than the other side's transactions is taken in halves, each event once", async () => {
  await using world = await new AvroWorld().open();
  world.takesAtOnce(7);
  await world.deliver({}, 50);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(50));
});

test.each([[true], [false]])("a server that knows our protocol: %p", async (knows) => {
  await using world = await new AvroWorld().open();
  world.knows = knows;
  await world.deliver({ batchSize: 10 }, 30);
  expect(world.events.map(({ body }) => body.toString())).toEqual(lines(30));
  expect(world.handshakes).toBe(knows ? 1 : 2);
});

test("an answer that never comes ends with the time-out, and the events stay", async () => {
  await using world = await new AvroWorld().open();
  world.slow(1_000);
  await expect(world.deliver({ requestTimeout: "200ms" }, 3)).rejects.toMatchObject({ severity: "transient" });
});
