import { sleep } from "../../../shared/async/sleep.ts";
import type { Context } from "../../core/context.ts";
import { EventView } from "../../core/event-view.ts";
import type { Intake, Source } from "../../core/source.ts";
import { type Connection, protocolError } from "../../listeners/connection.ts";
import { Listener } from "../../listeners/listener.ts";
import { SyslogReader } from "../../listeners/syslog/syslog-reader.ts";
import { PushDesk, type PushedEvent } from "../../records/push-desk.ts";
import type { Config } from "./config.ts";
import { answerFrame, type FrameHead, parseHead } from "./frame.ts";

/** A frame that claims more is no syslog message. */
const frameBytesMax = 64 * 1024 * 1024;
const againMs = 100;
const lineFeed = 10;
const closing = "0 serverclose 0\n";
const welcome = "200 OK\nrelp_version=0\nrelp_software=tailgate\ncommands=syslog";

/**
 * Syslog over RELP. A message is answered when it is durable; while there is no room nothing is answered, and the sender waits
 * with the few that it may have on the way. A sender whose connection ends sends again what was not answered.
 */
export class RelpSource implements Source {
  private readonly listener: Listener;
  /** Nobody is told that it takes long: then the sender would send again what may have been stored. */
  private readonly desk = new PushDesk({ answerWithinMs: 3_600_000 });

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    this.listener = new Listener(config, context);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    this.listener.open((connection) => this.talk(connection, intake));
    await Promise.all([this.desk.run(intake, signal), this.listener.run(signal)]);
  }

  async stop(): Promise<void> {
    await this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return { ...this.listener.status(), ...this.desk.status() };
  }

  private async talk(connection: Connection, intake: Intake): Promise<void> {
    const { config, context } = this;
    const reader = new SyslogReader(config, () => context.clock.now());
    reader.clientIp = connection.peerAddress;
    const session = new RelpSession(connection, reader, config.eventBytesMax);
    while (await connection.fill()) {
      const isOver = await session.read();
      const { numbers, events, cut } = session.takeMessages();
      if (events.length > 0) {
        if (!(await this.take(connection, events))) return;
        if (cut > 0) intake.count("cut", cut);
        await connection.write(numbers.map((number) => answerFrame(number, "200 OK")).join(""));
      }
      if (session.answers !== "") await connection.write(session.answers);
      session.answers = "";
      if (isOver) return;
    }
    if (connection.isStopping) await connection.write(closing);
  }

  /** False: nobody can say whether they were taken, or nobody is there any more; the sender sends them again. */
  private async take(connection: Connection, events: readonly PushedEvent[]): Promise<boolean> {
    for (;;) {
      const answer = await this.desk.offer(events, connection.left);
      if (answer.kind === "taken") return true;
      if (answer.kind === "unknown" || answer.reason === "gave_up") return false;
      if (answer.reason === "stopping") {
        await connection.write(closing);
        return false;
      }
      if (answer.reason === "too_large") throw protocolError("messages on the way are larger than what may wait");
      await sleep(againMs, connection.left);
    }
  }
}

/** Takes what was received on a connection apart. */
class RelpSession {
  /** To be sent after those of the messages. */
  answers = "";

  private numbers: string[] = [];
  private events: PushedEvent[] = [];
  private cut = 0;
  private readonly view = new EventView();

  constructor(
    private readonly connection: Connection,
    private readonly reader: SyslogReader,
    private readonly eventBytesMax: number,
  ) {}

  takeMessages() {
    const { numbers, events, cut } = this;
    this.numbers = [];
    this.events = [];
    this.cut = 0;
    return { numbers, events, cut };
  }

  /** Reads all whole frames. True: the sender has said good-bye. */
  async read(): Promise<boolean> {
    const { connection } = this;
    for (;;) {
      const head = parseHead(connection.bytes);
      if (head === undefined) throw protocolError("this is no RELP frame");
      if (head === "more") return false;
      if (head.dataBytes > frameBytesMax) throw protocolError(`a frame of ${head.dataBytes} bytes`);
      if (head.dataBytes > this.eventBytesMax) {
        if (!(await this.readLarge(head))) return true;
        continue;
      }
      const end = head.dataAt + head.dataBytes;
      if (connection.bytes.length <= end) return false;
      if (connection.bytes[end] !== lineFeed) throw protocolError("a RELP frame does not end where it says");
      const isOver = this.take(head, end, false);
      connection.consume(end + 1);
      if (isOver) return true;
    }
  }

  /** Its beginning is taken, the rest left out. False: the sender left. */
  private async readLarge(head: FrameHead): Promise<boolean> {
    const { connection, eventBytesMax } = this;
    while (connection.bytes.length < head.dataAt + eventBytesMax) if (!(await connection.fill())) return false;
    this.take(head, head.dataAt + eventBytesMax, true);
    let left = head.dataAt + head.dataBytes + 1;
    for (;;) {
      const here = Math.min(left, connection.bytes.length);
      connection.consume(here);
      left -= here;
      if (left === 0) return true;
      if (!(await connection.fill())) return false;
    }
  }

  private take({ number, command, dataAt }: FrameHead, end: number, isCut: boolean): boolean {
    switch (command) {
      case "syslog":
        this.events.push(this.eventOf(dataAt, end, isCut));
        this.numbers.push(number);
        if (isCut) this.cut++;
        return false;
      case "open":
        this.answers += answerFrame(number, welcome);
        return false;
      case "close":
        this.answers += answerFrame(number, "") + closing;
        return true;
      default:
        this.answers += answerFrame(number, "500 the command is not known");
        return false;
    }
  }

  private eventOf(start: number, end: number, isCut: boolean): PushedEvent {
    const { reader, view } = this;
    reader.read(this.connection.bytes, start, end, isCut);
    const noTime = Number.NEGATIVE_INFINITY;
    view.reset(reader.buffer, reader.start, reader.end, noTime);
    reader.prepare(view);
    const headers = Object.fromEntries(view.headerNames.map((name, at) => [name, view.headerValues[at] ?? ""]));
    return {
      // A copy: what was received is given back while the message waits for its commit.
      body: Buffer.from(view.buffer.subarray(view.start, view.end)),
      headers,
      ...(view.key === undefined ? {} : { key: view.key }),
      ...(view.eventTimeMs === noTime ? {} : { eventTimeMs: view.eventTimeMs }),
    };
  }
}
