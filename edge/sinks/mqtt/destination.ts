import { AppError } from "../../../shared/errors/app-error.ts";
import { mqttText, type OutgoingMessage, publishPacket } from "../../../shared/mqtt/packets.ts";
import { ConnectionLost } from "../../../shared/outgoing/peer.ts";
import type { Context } from "../../core/context.ts";
import type { Finding } from "../../core/sink.ts";
import { Escapes } from "../../records/escapes.ts";
import { jsonEvent } from "../../records/json-event.ts";
import type { EventRefusal, RecordDestination, SinkRecord } from "../../records/record-destination.ts";
import { MqttClient, type PublishOutcome } from "./client.ts";
import type { Config } from "./config.ts";

/** What a text of MQTT can hold. */
const textBytesMax = 65_535;
/** Answers that no later try would change: the topic, the size, the payload. */
const forEver = new Set([0x90, 0x95, 0x99]);

/** An MQTT broker. One connection carries all lanes. */
export class MqttDestination implements RecordDestination {
  private readonly topics = new Map<string, Escapes>();
  private readonly clientId: string;
  private client: MqttClient | undefined;
  private connecting: Promise<MqttClient> | undefined;
  private last = "not connected yet";

  constructor(
    private readonly config: Config,
    { agent, name }: Pick<Context, "agent" | "name">,
  ) {
    this.clientId = config.clientId ?? `tailgate-${agent}-${name}`;
  }

  async write(records: readonly SinkRecord[], signal: AbortSignal): Promise<readonly EventRefusal[]> {
    const client = await this.connected(signal, `publish ${records.length} messages`);
    const refusals: EventRefusal[] = [];
    const sent: SinkRecord[] = [];
    const messages: OutgoingMessage[] = [];
    for (const record of records) {
      const message = this.messageOf(record);
      const reason = this.mistakeOf(message, client);
      if (reason !== undefined) refusals.push({ record, reason });
      else {
        sent.push(record);
        messages.push(message);
      }
    }
    const stop = () => client.close();
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    const outcomes = await client.publish(messages);
    signal.removeEventListener("abort", stop);
    for (const [index, record] of sent.entries()) {
      const refusal = refusalOf(record, outcomes[index] ?? { kind: "unsent", reason: "nobody tried" });
      if (refusal !== undefined) refusals.push(refusal);
    }
    this.last = refusals[0]?.reason ?? "taken";
    return refusals;
  }

  async stop(): Promise<void> {
    this.client?.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return { broker: this.brokerName, connected: this.client?.isOpen ?? false, last: this.last };
  }

  /** Logs in under a name of its own, and leaves; whether it may publish is not tried. */
  async probe(signal: AbortSignal): Promise<readonly Finding[]> {
    const what = this.brokerName;
    const client = this.newClient(`${this.clientId}-probe`);
    try {
      await client.connect(signal);
      return [{ what, says: "lets us in (whether it takes messages is not tried)" }];
    } catch (thrown) {
      const error = thrown instanceof AppError ? thrown : away(`connect to ${what}`, thrown);
      return [{ what, error }];
    } finally {
      client.close();
    }
  }

  private get brokerName(): string {
    return `${this.config.broker.host}:${this.config.broker.port}`;
  }

  /** The connection, opened where there is none; writers that come meanwhile wait for the same one. */
  private async connected(signal: AbortSignal, what: string): Promise<MqttClient> {
    if (this.client?.isOpen === true) return this.client;
    this.connecting ??= this.open(signal).finally(() => {
      this.connecting = undefined;
    });
    try {
      return await this.connecting;
    } catch (thrown) {
      if (!(thrown instanceof ConnectionLost)) throw thrown;
      this.last = thrown.message;
      throw new AppError("EDGE_DESTINATION_AWAY", `${what} at ${this.brokerName}`, {
        cause: thrown,
        nothingSent: true,
      });
    }
  }

  private async open(signal: AbortSignal): Promise<MqttClient> {
    const client = this.newClient(this.clientId);
    try {
      await client.connect(signal);
    } catch (thrown) {
      client.close();
      throw thrown;
    }
    this.client = client;
    return client;
  }

  private newClient(clientId: string): MqttClient {
    const { broker, tls, connectTimeout, timeout, version, keepAlive, username, password, inFlightMax } = this.config;
    const peer = { ...broker, tls, connectTimeoutMs: connectTimeout, requestTimeoutMs: timeout };
    const keepAliveSeconds = Math.max(1, Math.round(keepAlive / 1_000));
    const session = { sessionExpirySeconds: 0, cleanStart: true };
    return new MqttClient(peer, { version, clientId, keepAliveSeconds, username, password, inFlightMax, ...session });
  }

  private messageOf(record: SinkRecord): OutgoingMessage {
    const { format, retain, properties } = this.config;
    const payload = format === "body" ? record.body : Buffer.from(JSON.stringify(jsonEvent(record)), "utf8");
    return {
      topic: this.topicOf(record),
      payload,
      isRetained: retain,
      properties: properties ? propertiesOf(record) : [],
    };
  }

  private topicOf(record: SinkRecord): string {
    const { stream, key, headers } = record;
    let escapes = this.topics.get(stream);
    if (escapes === undefined) {
      escapes = new Escapes(this.config.topic, { names: { stream } });
      this.topics.set(stream, escapes);
    }
    const named = key === undefined ? headers : [...headers, { name: "key", value: key }];
    // What an event brings is made harmless by `Escapes`, but for these two, which choose many topics.
    return escapes.render({ timeMs: record.timeMs, headers: named }).replaceAll(/[+#]/g, "_");
  }

  /** What no broker would take; undefined: nothing. */
  private mistakeOf(message: OutgoingMessage, client: MqttClient): string | undefined {
    const texts = [message.topic, ...message.properties.flat()];
    if (texts.some((text) => Buffer.byteLength(text) > textBytesMax)) {
      return `its topic or a header is longer than ${textBytesMax} bytes`;
    }
    const bytes = publishPacket(this.config.version, 1, message).length;
    return bytes <= client.packetBytesMax ? undefined : `${bytes} bytes, and the broker takes ${client.packetBytesMax}`;
  }
}

function propertiesOf({ id, timeMs, key, headers }: SinkRecord): readonly (readonly [string, string])[] {
  const own: (readonly [string, string])[] = [
    ["id", id],
    ["time", String(timeMs)],
  ];
  if (key !== undefined) own.push(["key", key.toString("utf8")]);
  for (const { name, value } of headers) own.push([name, value.toString("utf8")]);
  return own.map(([name, value]) => [mqttText(name), mqttText(value)]);
}

function refusalOf(record: SinkRecord, outcome: PublishOutcome): EventRefusal | undefined {
  switch (outcome.kind) {
    case "taken":
      return undefined;
    case "refused":
      return { record, reason: outcome.reason, again: !forEver.has(outcome.code) };
    case "unsure":
      return { record, reason: outcome.reason, again: true, unsure: true };
    case "unsent":
      return { record, reason: outcome.reason, again: true };
  }
}

function away(what: string, cause: unknown): AppError {
  return new AppError("EDGE_DESTINATION_AWAY", what, { cause });
}
