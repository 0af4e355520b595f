/**
 * Messages of an MQTT broker.
 *
 *     connect ─▶ CONNACK ─▶ (unsubscribe from what the config names no more) ─▶ (subscribe, when the broker has no session
 *                 of ours, or after a start) ─▶ messages, a chunk at a time:
 *                 appended ─▶ one commit ─▶ PUBACK for each
 *
 * The broker keeps the session while we are away. What was not acknowledged it sends again, marked as a repeat: it cannot know
 * that we stored it, and we cannot know that it is the same message (ids are used again), so it is taken again and counted.
 */
import { Backoff } from "../../../shared/async/backoff.ts";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import {
  connectPacket,
  disconnectPacket,
  type PacketHead,
  type PublishHead,
  packetTypes,
  pingPacket,
  pubackPacket,
  readConnack,
  readPacketHead,
  readPublish,
  readSuback,
  subscribePacket,
  unsubscribePacket,
  wordsOfCode,
} from "../../../shared/mqtt/packets.ts";
import { defineSignal } from "../../../shared/telemetry/log.ts";
import type { Context } from "../../core/context.ts";
import type { EventView } from "../../core/event-view.ts";
import { limits } from "../../core/limits.ts";
import { cutHeader } from "../../core/line-intake.ts";
import type { Intake, Source } from "../../core/source.ts";
import { type Connection, protocolError } from "../../listeners/connection.ts";
import { dial } from "../../listeners/dial.ts";
import { hasRoom } from "../../listeners/room.ts";
import { codes } from "../../records/codes.ts";
import type { Config } from "./config.ts";
import { Subscriptions } from "./subscriptions.ts";

/** What the mqtt source says. */
const signals = {
  connected: defineSignal({ name: "mqtt_connected", level: "info", message: "Connected to the broker" }),
  unsubscribed: defineSignal({
    name: "mqtt_unsubscribed",
    level: "info",
    message:
      "The broker's session no longer has topics that the config does not name; what it had kept of them may still come",
  }),
  lost: defineSignal({
    name: "mqtt_away",
    level: "warn",
    message: "The broker cannot be reached, or refuses; it keeps the messages, and is tried again",
  }),
} as const;

const subscribeId = 1;
const unsubscribeId = 2;
/** A topic and properties in front of a payload. */
const headBytesMax = 256 * 1024;
const heldBytesMax = limits.lineBytesMax + headBytesMax + 2 * limits.readBytes;
/** At a stop, the last commit still has so long: what it holds need not come again. */
const lastCommitMs = 1_000;

export class MqttSource implements Source {
  private readonly clientId: string;
  private readonly backoff: Backoff;
  private connection: Connection | undefined;
  private subscribed = false;
  private subscriptions: Subscriptions | undefined;
  private said: string | undefined;
  private readonly counts = { received: 0, repeats: 0, connects: 0 };

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    this.clientId = config.clientId ?? `tailgate-${context.agent}-${context.name}`;
    this.backoff = new Backoff({ initialMs: 200, maxMs: 10_000 }, context.random);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const last = new AbortController();
    const onAbort = () => {
      setTimeout(() => last.abort(), lastCommitMs);
      this.connection?.stop();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const { broker, topics } = this.config;
    const session = `${this.clientId} at ${broker.host}:${broker.port}`;
    this.subscriptions = new Subscriptions(session, topics, intake);
    while (!signal.aborted) {
      try {
        await this.session(intake, signal, last.signal);
      } catch (error) {
        this.tell(error);
      } finally {
        this.connection?.destroy();
        this.connection = undefined;
      }
      if (!signal.aborted) await sleep(this.backoff.nextMs(), signal);
    }
  }

  async stop(): Promise<void> {
    this.connection?.destroy();
  }

  status(): Readonly<Record<string, unknown>> {
    const { host, port } = this.config.broker;
    return {
      broker: `${host}:${port}`,
      connected: this.connection?.isOpen ?? false,
      ...this.counts,
      ...(this.said === undefined ? {} : { trouble: this.said }),
    };
  }

  private tell(error: unknown): void {
    const words = messageOf(error);
    if (words === this.said) return;
    this.said = words;
    const hint = error instanceof AppError ? error.hint : undefined;
    this.context.report(signals.lost, { component: this.context.name, error: words, hint });
  }

  /** One connection, until it ends. */
  private async session(intake: Intake, signal: AbortSignal, last: AbortSignal): Promise<void> {
    const { config } = this;
    const connection = await dial({ ...config.broker, tls: config.tls, withinMs: config.connectTimeout, heldBytesMax });
    this.connection = connection;
    if (signal.aborted) return;
    await this.subscribe(connection, await this.login(connection), signal);
    const pulse = new Pulse(connection, config.keepAlive);
    try {
      let open = true;
      while (open) {
        open = await connection.fill();
        pulse.beat();
        if (open || connection.bytes.length > 0) await this.takeChunk(connection, intake, { signal, last });
        // What follows was not whole, or waits for room that a stop does not wait for.
        if (signal.aborted) open = false;
      }
      if (signal.aborted) await connection.write(disconnectPacket);
      else throw new AppError("EDGE_DESTINATION_AWAY", "read from the broker: the connection ended");
    } finally {
      pulse.end();
    }
  }

  /** Answers whether the broker has kept a session of ours. */
  private async login(connection: Connection): Promise<boolean> {
    const { config, clientId } = this;
    const { version, username, password, keepAlive, sessionExpiry, inFlightMax, connectTimeout } = config;
    const late = setTimeout(() => connection.destroy(), connectTimeout);
    try {
      const keepAliveSeconds = Math.max(1, Math.round(keepAlive / 1_000));
      const sessionExpirySeconds = Math.round(sessionExpiry / 1_000);
      await connection.write(
        connectPacket({ version, clientId, keepAliveSeconds, username, password, sessionExpirySeconds, inFlightMax }),
      );
      const head = await nextPacket(connection);
      const connack = head?.type === packetTypes.connack ? readConnack(connection.bytes, head) : undefined;
      if (head === undefined || connack === undefined) {
        throw new AppError(codes.EDGE_MQTT_REFUSED, "log in at the broker: it does not answer as one");
      }
      connection.consume(head.end);
      if (connack.code !== 0) {
        throw new AppError(codes.EDGE_MQTT_REFUSED, `log in at the broker: ${wordsOfCode(connack.code)}`);
      }
      return connack.sessionPresent;
    } finally {
      clearTimeout(late);
    }
  }

  private async subscribe(connection: Connection, sessionPresent: boolean, signal: AbortSignal): Promise<void> {
    const { subscriptions } = this;
    const { version, topics, qos } = this.config;
    const stale = subscriptions?.stale ?? [];
    if (sessionPresent && stale.length > 0) await connection.write(unsubscribePacket(version, unsubscribeId, stale));
    else if (!sessionPresent) subscriptions?.settled();
    // A session that it kept has our topics; without this, MQTT 3.1.1 would bring all retained messages again.
    if (sessionPresent && this.subscribed) {
      this.onConnected();
      return;
    }
    await subscriptions?.begin(signal);
    await connection.write(subscribePacket(version, subscribeId, topics, qos));
  }

  private onConnected(): void {
    this.subscribed = true;
    this.counts.connects++;
    this.said = undefined;
    this.backoff.reset();
    const { host, port } = this.config.broker;
    this.context.report(signals.connected, { component: this.context.name, broker: `${host}:${port}` });
  }

  /** Everything that was received, in one commit. */
  private async takeChunk(
    connection: Connection,
    intake: Intake,
    { signal, last }: { readonly signal: AbortSignal; readonly last: AbortSignal },
  ): Promise<void> {
    if (!(await hasRoom(intake, signal))) return;
    const acks: Buffer[] = [];
    let appended = false;
    for (;;) {
      const { bytes } = connection;
      const head = readPacketHead(bytes);
      if (head === undefined) throw protocolError("the broker sent what is no MQTT packet");
      if (head === "more") break;
      if (head.end > bytes.length && !isLarge(head)) break;
      if (head.type !== packetTypes.publish) {
        if (head.end > bytes.length) throw protocolError("the broker sent a packet that is too large");
        this.control(bytes, head);
        connection.consume(head.end);
        continue;
      }
      const message = readPublish(bytes, head, this.config.version);
      const enough =
        message !== undefined && bytes.length >= Math.min(head.end, message.payloadAt + limits.lineBytesMax);
      if (!enough) {
        if (message === undefined && bytes.length > Math.min(head.end - 1, headBytesMax)) {
          throw protocolError("the broker sent a message that cannot be read");
        }
        break;
      }
      this.append(intake, bytes, message, head.end);
      appended = true;
      if (message.id !== undefined && message.qos === 1) acks.push(pubackPacket(message.id));
      if (!(await skip(connection, head.end))) break;
    }
    if (!appended) return;
    if (await intake.committed(last)) await connection.write(Buffer.concat(acks));
  }

  private control(bytes: Buffer, head: PacketHead): void {
    if (head.type === packetTypes.suback) {
      const granted = readSuback(bytes, head, this.config.version) ?? [];
      const refused = granted.findIndex((code) => code >= 128);
      if (refused >= 0) {
        const what = this.config.topics[refused] ?? "a topic";
        throw new AppError(codes.EDGE_MQTT_REFUSED, `subscribe to ${what}: ${wordsOfCode(granted[refused] ?? 0)}`);
      }
      this.onConnected();
    }
    if (head.type === packetTypes.unsuback) this.onUnsubscribed(readSuback(bytes, head, this.config.version) ?? []);
    if (head.type === packetTypes.disconnect) {
      const code = head.end > head.bodyAt ? (bytes[head.bodyAt] ?? 0) : 0;
      throw new AppError(
        codes.EDGE_MQTT_REFUSED,
        `read from the broker: it ended the connection: ${wordsOfCode(code)}`,
      );
    }
  }

  private onUnsubscribed(answers: readonly number[]): void {
    const topics = this.subscriptions?.stale ?? [];
    const refused = answers.findIndex((code) => code >= 128);
    if (refused >= 0) {
      const why = wordsOfCode(answers[refused] ?? 0);
      throw new AppError(codes.EDGE_MQTT_REFUSED, `unsubscribe from ${topics[refused] ?? "a topic"}: ${why}`);
    }
    this.subscriptions?.settled();
    this.context.report(signals.unsubscribed, { component: this.context.name, topics: topics.join(" ") });
  }

  private append(intake: Intake, bytes: Buffer, message: PublishHead, packetEnd: number): void {
    const { topicHeader, key } = this.config;
    const { payloadAt, topic, properties, isRepeat } = message;
    const end = Math.min(packetEnd, payloadAt + limits.lineBytesMax);
    this.counts.received++;
    if (isRepeat) {
      this.counts.repeats++;
      intake.count("maybe_repeated", 1);
    }
    if (end < packetEnd) {
      intake.count("cut", 1);
      intake.count("cut_bytes", packetEnd - end);
    }
    let leftOut = 0;
    intake.appendWith(bytes, payloadAt, end, (view: EventView) => {
      view.setHeader(topicHeader, topic);
      if (end < packetEnd) view.setHeader(cutHeader, String(end - payloadAt));
      for (const [name, value] of properties) if (!view.setHeader(name, value)) leftOut++;
      if (key === "topic") view.key = topic;
    });
    if (leftOut > 0) intake.count("headers_left_out", leftOut);
  }
}

/** Says now and then that we are there, and gives up when the broker does not answer. */
class Pulse {
  private heardMs = performance.now();
  private readonly timer: ReturnType<typeof setInterval>;

  constructor(connection: Connection, keepAliveMs: number) {
    this.timer = setInterval(() => {
      void connection.write(pingPacket);
      // While we do not read, because the channel is full, nothing can be heard.
      if (connection.isWaiting && performance.now() - this.heardMs > 1.5 * keepAliveMs) connection.destroy();
    }, keepAliveMs / 2);
  }

  beat(): void {
    this.heardMs = performance.now();
  }

  end(): void {
    clearInterval(this.timer);
  }
}

/** It does not fit into what a connection holds: its beginning is taken, the rest left out. */
function isLarge({ end }: PacketHead): boolean {
  return end > limits.lineBytesMax + headBytesMax;
}

async function nextPacket(connection: Connection): Promise<PacketHead | undefined> {
  for (;;) {
    const head = readPacketHead(connection.bytes);
    if (head === undefined) return undefined;
    if (head !== "more" && head.end <= connection.bytes.length) return head;
    if (head !== "more" && isLarge(head)) return undefined;
    if (!(await connection.fill())) return undefined;
  }
}

/** Lets go of so many bytes, also of those that are still to come. False: they did not come. */
async function skip(connection: Connection, count: number): Promise<boolean> {
  for (let left = count; ; ) {
    const here = Math.min(left, connection.bytes.length);
    connection.consume(here);
    left -= here;
    if (left === 0) return true;
    if (!(await connection.fill())) return false;
  }
}
