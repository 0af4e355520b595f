/**
 * Flume's Thrift source: calls in frames, in the compact or the binary protocol, which the first byte of a call tells apart. The
 * answer to a call comes after the commit that holds its events: OK, or FAILED, which has Flume's sink roll back and send the batch
 * again. A sender that hears nothing, because its connection broke, sends again too, and then its events are there twice: Flume's
 * own promise. The calls of one connection are answered in their order, as senders expect; one is taken after the other.
 */
import {
  readCall,
  readThriftFrame,
  thriftStatus,
  writeStatus,
  writeUnknownCall,
} from "../../../shared/thrift-rpc/flume.ts";
import { protocolOf, ThriftMistake } from "../../../shared/thrift-rpc/protocol.ts";
import type { Context } from "../../core/context.ts";
import type { Intake, Source } from "../../core/source.ts";
import { type Connection, protocolError } from "../../listeners/connection.ts";
import { Listener } from "../../listeners/listener.ts";
import { FlumeEvents, requestEventsMax } from "../../records/flume-events.ts";
import { PushDesk } from "../../records/push-desk.ts";
import type { Config } from "./config.ts";

export class ThriftSource implements Source {
  private readonly desk: PushDesk;
  private readonly events: FlumeEvents;
  private readonly listener: Listener;

  constructor(
    private readonly config: Config,
    context: Context,
  ) {
    this.desk = new PushDesk({ sendersMax: config.sendersMax, answerWithinMs: config.answerWithin });
    this.events = new FlumeEvents(this.desk, config);
    this.listener = new Listener({ ...config, heldBytesMax: 2 * config.requestBytesMax }, context);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const onCut = () => intake.count("cut", 1);
    this.listener.open((connection) => this.serve(connection, onCut));
    await Promise.all([this.desk.run(intake, signal), this.listener.run(signal)]);
  }

  async stop(): Promise<void> {
    await this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return { ...this.listener.status(), ...this.desk.status() };
  }

  private async serve(connection: Connection, onCut: () => void): Promise<void> {
    try {
      while (await connection.fill()) {
        for (let call = this.next(connection); call !== undefined; call = this.next(connection)) {
          await this.hear(connection, call, onCut);
        }
      }
    } catch (thrown) {
      throw thrown instanceof ThriftMistake ? protocolError(`not a message of Thrift's: ${thrown.message}`) : thrown;
    }
  }

  /** The next call, as a copy: what was received is let go of while the call waits for its commit. */
  private next(connection: Connection): Buffer | undefined {
    const frame = readThriftFrame(connection.bytes, this.config.requestBytesMax);
    if (frame === undefined) return undefined;
    const call = Buffer.from(frame);
    connection.consume(4 + frame.length);
    return call;
  }

  private async hear(connection: Connection, call: Buffer, onCut: () => void): Promise<void> {
    const protocol = protocolOf(call);
    if (protocol === undefined) throw new ThriftMistake("neither the compact nor the binary protocol");
    const { message, events } = readCall(protocol, call, requestEventsMax);
    if (events === undefined) {
      await connection.write(writeUnknownCall(protocol, message));
      return;
    }
    const heard = await this.events.offer(events, connection.left, onCut);
    // Nobody can say: no answer says so best, and Flume sends again on another connection.
    if (heard === "unknown") connection.destroy();
    else {
      const status = heard === "taken" ? thriftStatus.ok : thriftStatus.failed;
      await connection.write(writeStatus(protocol, message, status));
    }
  }
}
