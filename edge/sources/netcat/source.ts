import type { LineOutput } from "../../../shared/lines/split-lines.ts";
import type { Context } from "../../core/context.ts";
import { cutHeader } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import type { Connection } from "../../listeners/connection.ts";
import { LineFrames } from "../../listeners/line-frames.ts";
import { Listener } from "../../listeners/listener.ts";
import { hasRoom } from "../../listeners/room.ts";
import { type PushAnswer, PushDesk, type PushedEvent } from "../../records/push-desk.ts";
import type { Config } from "./config.ts";

/** One commit answers this many lines of a sender at most: it bounds what is made of a chunk of tiny lines. */
const linesAtOnce = 4_096;

/** Lines over a connection; see `index.ts` for what is answered. */
export class NetcatSource implements Source {
  private readonly desk: PushDesk;
  private readonly listener: Listener;

  constructor(
    private readonly config: Config,
    context: Context,
  ) {
    this.desk = new PushDesk({ sendersMax: config.sendersMax, answerWithinMs: config.answerWithin });
    this.listener = new Listener(config, context);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const { ackEveryEvent } = this.config;
    this.listener.open((connection) =>
      ackEveryEvent ? this.answerLines(connection) : this.takeLines(connection, intake, signal),
    );
    await Promise.all([this.desk.run(intake, signal), this.listener.run(signal)]);
  }

  async stop(): Promise<void> {
    await this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return { ...this.listener.status(), ...this.desk.status() };
  }

  private async answerLines(connection: Connection): Promise<void> {
    const frames = new LineFrames(this.config);
    const headers = this.headersOf(connection);
    let open = true;
    while (open) {
      open = await connection.fill();
      // The copies are bounded by what a connection holds; the chunk itself is given back while they wait.
      const lines = new AnsweredLines(headers);
      connection.consume(frames.split(connection.bytes, lines, !open && !connection.isStopping));
      for (const { events, tooLong } of lines.parts) {
        if (events.length > 0) await answer(connection, events.length, await this.desk.offer(events));
        const refusal = `FAILED: the line is longer than ${this.config.lineBytesMax} bytes\n`;
        if (tooLong) await connection.write(refusal);
      }
    }
  }

  private async takeLines(connection: Connection, intake: Intake, signal: AbortSignal): Promise<void> {
    const frames = new LineFrames(this.config);
    const output = new TakenLines(intake, this.headersOf(connection));
    let open = true;
    while (open) {
      open = await connection.fill();
      // What was received before a stop is taken; no sender would send it again.
      if (!(await hasRoom(intake, signal))) return;
      connection.consume(frames.split(connection.bytes, output, !open && !connection.isStopping));
    }
  }

  private headersOf({ peerAddress }: Connection): Readonly<Record<string, string>> {
    const { clientIpHeader } = this.config;
    return clientIpHeader === undefined ? {} : { [clientIpHeader]: peerAddress };
  }
}

interface Part {
  readonly events: PushedEvent[];
  /** Behind them stood a line that was too long. */
  tooLong: boolean;
}

/** Lines that are offered together, in their order with those that are refused. */
class AnsweredLines implements LineOutput {
  readonly parts: Part[] = [];

  constructor(private readonly headers: Readonly<Record<string, string>>) {}

  line(buffer: Buffer, start: number, end: number): void {
    const { headers } = this;
    this.part().events.push({ body: Buffer.from(buffer.subarray(start, end)), headers });
  }

  cutLine(): void {
    this.part().tooLong = true;
  }

  leftOut(): void {}

  private part(): Part {
    const last = this.parts.at(-1);
    if (last !== undefined && !last.tooLong && last.events.length < linesAtOnce) return last;
    const fresh: Part = { events: [], tooLong: false };
    this.parts.push(fresh);
    return fresh;
  }
}

class TakenLines implements LineOutput {
  private readonly plain: boolean;

  constructor(
    private readonly intake: Intake,
    private readonly headers: Readonly<Record<string, string>>,
  ) {
    this.plain = Object.keys(headers).length === 0;
  }

  line(buffer: Buffer, start: number, end: number): void {
    if (this.plain) this.intake.append(buffer, start, end);
    else this.appendWith(buffer, start, end, this.headers);
  }

  cutLine(buffer: Buffer, start: number, end: number): void {
    this.appendWith(buffer, start, end, { ...this.headers, [cutHeader]: String(end - start) });
    this.intake.count("cut", 1);
  }

  leftOut(bytes: number): void {
    if (bytes > 0) this.intake.count("cut_bytes", bytes);
  }

  private appendWith(buffer: Buffer, start: number, end: number, headers: Readonly<Record<string, string>>): void {
    this.intake.appendWith(buffer, start, end, (view) => {
      for (const [name, value] of Object.entries(headers)) view.setHeader(name, value);
    });
  }
}

async function answer(connection: Connection, count: number, heard: PushAnswer): Promise<void> {
  await connection.write(wordOf(heard).repeat(count));
}

/** Flume's words. */
function wordOf(answer: PushAnswer): string {
  switch (answer.kind) {
    case "taken":
      return "OK\n";
    case "unknown":
      return "FAILED: nobody can say whether it was stored\n";
    case "not_taken":
      return `FAILED: ${answer.reason}\n`;
  }
}
