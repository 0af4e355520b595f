import { connect, type Socket } from "node:net";
import { FaultPipe, type PipeOwner } from "./fault-pipe.ts";
import { answerOf, FrameSplitter, requestOf } from "./kafka-frames.ts";

/** What can hit one request. */
export type Fault = "reset" | "cut" | "swallow" | "cutAnswer";

/** A fault for one request, and whom to tell when it has happened. */
export interface PlannedFault {
  readonly fault: Fault;
  readonly done: () => void;
}

/** What a connection asks its proxy. */
export interface FaultOwner extends PipeOwner {
  judge(apiKey: number): PlannedFault | undefined;
}

/** One client and its way to the broker: passes frames on, and carries out what its owner decides about them. */
export class FaultConnection {
  private readonly upstream: Socket;
  private readonly ended = new AbortController();
  private readonly doomed = new Map<number, PlannedFault>();

  constructor(
    private readonly proxy: FaultOwner,
    private readonly client: Socket,
    upstreamPort: number,
    frames: boolean,
    private readonly onEnd: () => void,
  ) {
    this.upstream = connect(upstreamPort, "127.0.0.1");
    const toBroker = new FaultPipe(client, this.upstream, proxy, this.ended.signal);
    const toClient = new FaultPipe(this.upstream, client, proxy, this.ended.signal);
    const requests = new FrameSplitter();
    const answers = new FrameSplitter();
    client.on("data", (chunk: Buffer) => {
      if (!frames) toBroker.send(chunk);
      else for (const frame of requests.push(chunk)) this.onRequest(frame, toBroker);
    });
    this.upstream.on("data", (chunk: Buffer) => {
      if (!frames) toClient.send(chunk);
      else for (const frame of answers.push(chunk)) this.onAnswer(frame, toClient);
    });
    // An end or an error on one side travels to the other behind the data, and not at all through a black hole.
    this.follow(client, toBroker, requests);
    this.follow(this.upstream, toClient, answers);
    client.setNoDelay(true);
    this.upstream.setNoDelay(true);
  }

  /** RST to both sides, now. */
  reset(): void {
    this.client.resetAndDestroy();
    this.upstream.resetAndDestroy();
    this.end();
  }

  private follow(side: Socket, pipe: FaultPipe, splitter: FrameSplitter): void {
    let failed = false;
    side.on("error", () => {
      failed = true;
    });
    side.on("close", () => {
      if (!failed) pipe.send(splitter.rest);
      pipe.behind(() => (failed ? this.reset() : this.close()));
    });
  }

  private close(): void {
    this.client.destroySoon();
    this.upstream.destroySoon();
    this.end();
  }

  private end(): void {
    this.ended.abort();
    this.onEnd();
  }

  private onRequest(frame: Buffer, toBroker: FaultPipe): void {
    const request = requestOf(frame);
    const verdict = request === undefined ? undefined : this.proxy.judge(request.apiKey);
    if (verdict === undefined || request === undefined) {
      toBroker.send(frame);
    } else if (verdict.fault === "reset") {
      this.reset();
      verdict.done();
    } else if (verdict.fault === "cut") {
      toBroker.send(this.partOf(frame));
      toBroker.behind(() => this.cutNow(this.upstream, verdict.done));
    } else {
      this.doomed.set(request.correlationId, verdict);
      toBroker.send(frame);
    }
  }

  private onAnswer(frame: Buffer, toClient: FaultPipe): void {
    const correlationId = answerOf(frame);
    const verdict = correlationId === undefined ? undefined : this.doomed.get(correlationId);
    if (verdict === undefined) {
      toClient.send(frame);
    } else {
      if (verdict.fault === "cutAnswer") toClient.send(this.partOf(frame));
      toClient.behind(() => this.cutNow(this.client, verdict.done));
    }
  }

  /** Ends the receiving side politely (a reset would discard what it has not read yet), the other with a reset. */
  private cutNow(receiver: Socket, done: () => void): void {
    const other = receiver === this.client ? this.upstream : this.client;
    receiver.end(() => {
      receiver.destroy();
      other.resetAndDestroy();
      this.end();
      done();
    });
  }

  private partOf(frame: Buffer): Buffer {
    return frame.subarray(0, 1 + Math.floor(this.proxy.random() * (frame.length - 1)));
  }
}
