/**
 * Flume's Avro source. A connection begins with a handshake; then each request is a batch of events, and its answer comes after
 * the commit that holds them: OK, or FAILED, which has Flume's sink roll back and send the batch again. A sender that hears
 * nothing, because its connection broke, sends again too, and then its events are there twice: Flume's own promise.
 *
 * Requests of one connection are appended in their order; some may wait at the same time, so that a sender that does not wait
 * for each answer is not slowed down by the disk.
 */
import { AvroMistake, AvroReader, AvroWriter } from "../../../shared/avro-rpc/binary.ts";
import { type FlumeEvent, readEvent, readEvents } from "../../../shared/avro-rpc/flume-events.ts";
import { hashOf, protocolText, speaksFlume, status } from "../../../shared/avro-rpc/flume-protocol.ts";
import { type Frame, readFrame, writeFrame } from "../../../shared/avro-rpc/frames.ts";
import {
  type Match,
  readHandshakeRequest,
  skipMeta,
  writeHandshakeResponse,
} from "../../../shared/avro-rpc/handshake.ts";
import type { Context } from "../../core/context.ts";
import type { Intake, Source } from "../../core/source.ts";
import { type Connection, protocolError } from "../../listeners/connection.ts";
import { Listener } from "../../listeners/listener.ts";
import { FlumeEvents, requestEventsMax } from "../../records/flume-events.ts";
import { PushDesk } from "../../records/push-desk.ts";
import type { Config } from "./config.ts";
import { deflated, encryptedBelow, plain, type TalkStream } from "./stream.ts";

/** Requests of one connection that may wait for their answers. */
const waitingMax = 16;
const ours = { text: protocolText, hash: hashOf(protocolText) };

export class AvroSource implements Source {
  private readonly desk: PushDesk;
  private readonly events: FlumeEvents;
  private readonly listener: Listener;
  /** Hashes of protocols that mean the same as ours, of senders that we met. */
  private readonly known = new Set<string>([ours.hash.toString("latin1")]);

  constructor(
    private readonly config: Config,
    context: Context,
  ) {
    this.desk = new PushDesk({ sendersMax: config.sendersMax, answerWithinMs: config.answerWithin });
    this.events = new FlumeEvents(this.desk, config);
    const { tls, compression } = config;
    const isBelow = tls !== undefined && compression === "deflate";
    this.listener = new Listener(
      {
        ...config,
        heldBytesMax: 2 * config.requestBytesMax,
        // Then TLS stands on what is compressed, as in Flume, and the listener knows nothing of it.
        ...(isBelow ? { tls: undefined, isEncryptedAbove: true, asksCredentials: tls.clientCa !== undefined } : {}),
      },
      context,
    );
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.listener.open((connection) => this.serve(connection, intake));
    await Promise.all([this.desk.run(intake, signal), this.listener.run(signal)]);
  }

  async stop(): Promise<void> {
    await this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return { ...this.listener.status(), ...this.desk.status() };
  }

  private async serve(connection: Connection, intake: Intake): Promise<void> {
    const { requestBytesMax } = this.config;
    const channel = this.channelOf(connection);
    const talk = new Talk(channel, this.events, this.known, () => intake.count("cut", 1));
    try {
      while (await channel.fill()) {
        for (let frame = next(channel, requestBytesMax); frame !== undefined; frame = next(channel, requestBytesMax)) {
          await talk.hear(frame);
        }
      }
      await talk.answered();
    } catch (thrown) {
      throw thrown instanceof AvroMistake ? protocolError(`not a message of Avro's: ${thrown.message}`) : thrown;
    } finally {
      channel.close();
    }
  }

  private channelOf(connection: Connection): TalkStream {
    const { compression, tls, requestBytesMax } = this.config;
    if (compression === "none") return plain(connection);
    return tls === undefined
      ? deflated(connection, requestBytesMax)
      : encryptedBelow(connection, tls, 2 * requestBytesMax);
  }
}

function next(channel: TalkStream, bytesMax: number): Frame | undefined {
  const frame = readFrame(channel.bytes, bytesMax);
  if (frame !== undefined) channel.consume(frame.length);
  return frame;
}

/** What is said on one connection. */
class Talk {
  private agreed = false;
  private readonly waiting = new Set<Promise<void>>();
  private broken: unknown;

  constructor(
    private readonly channel: TalkStream,
    private readonly desk: FlumeEvents,
    private readonly known: Set<string>,
    /** An event was cut. */
    private readonly count: () => void,
  ) {}

  /** Resolves when the next one may come. */
  async hear({ serial, payload }: Frame): Promise<void> {
    const reader = new AvroReader(payload);
    const writer = new AvroWriter(256);
    if (!this.agreed && !this.agree(reader, writer)) {
      await this.channel.write(writeFrame(serial, writer.written));
      return;
    }
    skipMeta(reader);
    const message = reader.string();
    const events =
      message === "append"
        ? [readEvent(reader)]
        : message === "appendBatch"
          ? readEvents(reader, requestEventsMax)
          : undefined;
    if (events === undefined) {
      // An error of the call: no metadata, a mark, the first kind of error, its text.
      writer.long(0).boolean(true).long(0).string(`there is no message "${message}"`);
      await this.channel.write(writeFrame(serial, writer.written));
      return;
    }
    const answer = this.answer(serial, writer, events).catch((thrown: unknown) => {
      this.broken = thrown;
    });
    this.waiting.add(answer);
    void answer.then(() => this.waiting.delete(answer));
    while (this.waiting.size >= waitingMax) await Promise.race(this.waiting);
    if (this.broken !== undefined) throw this.broken;
  }

  async answered(): Promise<void> {
    await Promise.all(this.waiting);
  }

  private async answer(serial: number, writer: AvroWriter, events: readonly FlumeEvent[]): Promise<void> {
    const heard = await this.desk.offer(events, this.channel.left, this.count);
    // Nobody can say: no answer says so best, and Flume sends again on another connection.
    if (heard === "unknown") {
      this.channel.cut();
      return;
    }
    writer
      .long(0)
      .boolean(false)
      .long(heard === "taken" ? status.ok : status.failed);
    await this.channel.write(writeFrame(serial, writer.written));
  }

  /** The handshake before the first call. False: the client has to say first what it speaks. */
  private agree(reader: AvroReader, writer: AvroWriter): boolean {
    const { clientHash, clientProtocol, serverHash } = readHandshakeRequest(reader);
    const hash = clientHash.toString("latin1");
    if (!this.known.has(hash) && clientProtocol !== undefined) {
      if (!speaksFlume(clientProtocol)) throw new AvroMistake("another protocol than Flume's");
      if (this.known.size < 1_000) this.known.add(hash);
      this.agreed = true;
    } else this.agreed = this.known.has(hash);
    const match: Match = !this.agreed ? "none" : serverHash.equals(ours.hash) ? "both" : "client";
    writeHandshakeResponse(writer, match, ours);
    return this.agreed;
  }
}
