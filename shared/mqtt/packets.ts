/**
 * The packets of MQTT 3.1.1 and 5 that a subscriber and a publisher need, by hand: what matters is that a message is acknowledged after its
 * commit, many at a time, which client libraries leave no room for: they handle one message after the other.
 */
export type MqttVersion = "3.1.1" | "5";

/** Types, as the first half of a packet's first byte. */
export const packetTypes = {
  connack: 2,
  publish: 3,
  puback: 4,
  suback: 9,
  unsuback: 11,
  pingresp: 13,
  disconnect: 14,
} as const;

/** A packet that is about to be read: its body is `bytes[bodyAt..end)`, and may not be there yet. */
export interface PacketHead {
  readonly type: number;
  readonly flags: number;
  readonly bodyAt: number;
  readonly end: number;
}

/** `more`: it is not whole. Undefined: this is no MQTT. */
export function readPacketHead(bytes: Buffer): PacketHead | "more" | undefined {
  const first = bytes[0];
  if (first === undefined) return "more";
  const type = first >> 4;
  if (type === 0 || type === 15) return undefined;
  let length = 0;
  for (let at = 1; at <= 4; at++) {
    const byte = bytes[at];
    if (byte === undefined) return "more";
    length += (byte & 127) * 128 ** (at - 1);
    if (byte < 128) return { type, flags: first & 15, bodyAt: at + 1, end: at + 1 + length };
  }
  return undefined;
}

/** What a client says first. */
export interface ConnectWords {
  readonly version: MqttVersion;
  readonly clientId: string;
  readonly keepAliveSeconds: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly sessionExpirySeconds: number;
  readonly inFlightMax: number;
  /** Whatever session the broker still has is forgotten. Without it what comes for us while we are away waits there. */
  readonly cleanStart?: boolean;
}

/** How a client begins. */
export function connectPacket(words: ConnectWords): Buffer {
  const { version, clientId, keepAliveSeconds, username, password, sessionExpirySeconds, inFlightMax } = words;
  const { cleanStart = false } = words;
  const flags = (cleanStart ? 2 : 0) | (username === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40);
  const properties = Buffer.alloc(9);
  properties[0] = 8;
  properties[1] = 0x11;
  properties.writeUInt32BE(sessionExpirySeconds, 2);
  properties[6] = 0x21;
  properties.writeUInt16BE(inFlightMax, 7);
  return packet(0x10, [
    text("MQTT"),
    Buffer.from([version === "5" ? 5 : 4, flags, keepAliveSeconds >> 8, keepAliveSeconds & 255]),
    ...(version === "5" ? [properties] : []),
    text(clientId),
    ...(username === undefined ? [] : [text(username)]),
    ...(password === undefined ? [] : [text(password)]),
  ]);
}

/** With MQTT 5 retained messages come only when a subscription is new, not after each connection. */
export function subscribePacket(version: MqttVersion, id: number, filters: readonly string[], qos: 0 | 1): Buffer {
  const retainHandling = version === "5" ? 1 << 4 : 0;
  return packet(0x82, [
    Buffer.from([id >> 8, id & 255]),
    ...(version === "5" ? [Buffer.from([0])] : []),
    ...filters.flatMap((filter) => [text(filter), Buffer.from([qos | retainHandling])]),
  ]);
}

/** Ends subscriptions: what was queued under them still comes. */
export function unsubscribePacket(version: MqttVersion, id: number, filters: readonly string[]): Buffer {
  return packet(0xa2, [
    Buffer.from([id >> 8, id & 255]),
    ...(version === "5" ? [Buffer.from([0])] : []),
    ...filters.map(text),
  ]);
}

/** A message for others. */
export interface OutgoingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly isRetained: boolean;
  /** User properties, of MQTT 5; the other version has no place for them. */
  readonly properties: readonly (readonly [name: string, value: string])[];
}

/** A message of QoS 1: it is to be acknowledged under this id. */
export function publishPacket(version: MqttVersion, id: number, message: OutgoingMessage): Buffer {
  const { topic, payload, isRetained, properties } = message;
  const parts = [text(topic), Buffer.from([id >> 8, id & 255])];
  if (version === "5") {
    const own = properties.flatMap(([name, value]) => [Buffer.from([0x26]), text(name), text(value)]);
    parts.push(varint(own.reduce((sum, { length }) => sum + length, 0)), ...own);
  }
  parts.push(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength));
  return packet(0x32 | (isRetained ? 1 : 0), parts);
}

/** Text as every broker takes it: neither controls nor code points that are no characters. */
export function mqttText(value: string): string {
  return value.replaceAll(/[\p{Cc}\p{Noncharacter_Code_Point}\p{Cs}]/gu, "\uFFFD");
}

/** Takes the message of this id off the broker's hands. */
export function pubackPacket(id: number): Buffer {
  return Buffer.from([0x40, 2, id >> 8, id & 255]);
}

/** Says that we are there. */
export const pingPacket = Buffer.from([0xc0, 0]);
/** Says good-bye; the broker keeps the session. */
export const disconnectPacket = Buffer.from([0xe0, 0]);

/** The head of a message. */
export interface PublishHead {
  readonly topic: string;
  readonly qos: number;
  /** It may have come before. */
  readonly isRepeat: boolean;
  readonly isRetained: boolean;
  /** Of a message that is to be acknowledged. */
  readonly id: number | undefined;
  readonly properties: readonly (readonly [string, string])[];
  readonly payloadAt: number;
}

/** Undefined: it is not whole, or no message. `end` is where the packet ends, which may lie beyond `bytes`. */
export function readPublish(
  bytes: Buffer,
  { flags, bodyAt, end }: PacketHead,
  version: MqttVersion,
): PublishHead | undefined {
  const reader = new Reader(bytes, bodyAt, Math.min(bytes.length, end));
  const topic = reader.text();
  const qos = (flags >> 1) & 3;
  const id = qos > 0 ? reader.uint16() : undefined;
  const properties = version === "5" ? reader.properties() : [];
  if (topic === undefined || properties === undefined || reader.failed || qos === 3) return undefined;
  return {
    topic,
    qos,
    isRepeat: (flags & 8) !== 0,
    isRetained: (flags & 1) !== 0,
    id,
    properties,
    payloadAt: reader.at,
  };
}

/** The broker's answer to CONNECT. */
export interface Connack {
  readonly sessionPresent: boolean;
  readonly code: number;
  /** MQTT 5: messages that it takes before it has acknowledged one. */
  readonly inFlightMax: number | undefined;
  /** MQTT 5: a larger packet ends the connection. */
  readonly packetBytesMax: number | undefined;
}

/** Undefined: it cannot be read. */
export function readConnack(bytes: Buffer, { bodyAt, end }: PacketHead): Connack | undefined {
  if (end - bodyAt < 2) return undefined;
  const numbers = new Map<number, number>();
  // MQTT 3.1.1 ends here.
  if (end - bodyAt > 2 && new Reader(bytes, bodyAt + 2, end).properties(numbers) === undefined) return undefined;
  return {
    sessionPresent: ((bytes[bodyAt] ?? 0) & 1) !== 0,
    code: bytes[bodyAt + 1] ?? 0,
    inFlightMax: numbers.get(33),
    packetBytesMax: numbers.get(39),
  };
}

/** The broker's answer to a message. */
export interface Puback {
  readonly id: number;
  /** From 128 on: it was not taken. */
  readonly code: number;
  /** Why, where the broker says so. */
  readonly reason: string | undefined;
}

/** Undefined: it cannot be read. */
export function readPuback(bytes: Buffer, { bodyAt, end }: PacketHead): Puback | undefined {
  if (end - bodyAt < 2) return undefined;
  const id = bytes.readUInt16BE(bodyAt);
  const code = end - bodyAt > 2 ? (bytes[bodyAt + 2] ?? 0) : 0;
  if (end - bodyAt <= 3) return { id, code, reason: undefined };
  const texts = new Map<number, string>();
  if (new Reader(bytes, bodyAt + 3, end).properties(undefined, texts) === undefined) return undefined;
  return { id, code, reason: texts.get(31) };
}

/** A code for each filter: 0 to 2 granted, 128 and more refused. Of UNSUBACK too, whose codes only MQTT 5 has. */
export function readSuback(
  bytes: Buffer,
  { bodyAt, end }: PacketHead,
  version: MqttVersion,
): readonly number[] | undefined {
  const reader = new Reader(bytes, bodyAt, end);
  reader.uint16();
  if (version === "5" && reader.properties() === undefined) return undefined;
  return reader.failed ? undefined : [...bytes.subarray(reader.at, end)];
}

const refusals: Readonly<Record<number, string>> = {
  1: "it does not speak this version of MQTT",
  2: "the client id is not taken",
  3: "it is not available",
  4: "user or password are wrong",
  5: "this client is not allowed",
  132: "it does not speak this version of MQTT",
  133: "the client id is not taken",
  134: "user or password are wrong",
  135: "this client is not allowed",
  136: "it is not available",
  137: "it is busy",
  138: "this client is banned",
  139: "it shuts down",
  144: "the topic is not taken",
  151: "a quota is used up",
  153: "the payload is not of its format",
  142: "another client took over the session: two have the same client id",
  143: "a topic filter is not valid",
  149: "a packet is too large",
  158: "shared subscriptions are not supported",
  162: "wildcards are not supported",
};

/** What a code means, for a person. */
export function wordsOfCode(code: number): string {
  return refusals[code] ?? `code ${code}`;
}

/** Bytes of the value of each property of MQTT 5; text and binary have their length before them. */
const propertySizes: Readonly<Record<number, number | "text" | "varint" | "pair">> = {
  1: 1,
  2: 4,
  3: "text",
  8: "text",
  9: "text",
  11: "varint",
  17: 4,
  18: "text",
  19: 2,
  21: "text",
  22: "text",
  23: 1,
  24: 4,
  25: 1,
  26: "text",
  28: "text",
  31: "text",
  33: 2,
  34: 2,
  35: 2,
  36: 1,
  37: 1,
  38: "pair",
  39: 4,
  40: 1,
  41: 1,
  42: 1,
};

class Reader {
  failed = false;

  constructor(
    private readonly bytes: Buffer,
    public at: number,
    private readonly end: number,
  ) {}

  text(): string | undefined {
    const length = this.uint16();
    if (!this.has(length)) return undefined;
    const value = this.bytes.toString("utf8", this.at, this.at + length);
    this.at += length;
    return value;
  }

  uint16(): number {
    if (!this.has(2)) return 0;
    this.at += 2;
    return this.bytes.readUInt16BE(this.at - 2);
  }

  /** User properties of MQTT 5; numbers and texts of others are noted by their kind. Undefined: they cannot be read. */
  properties(
    numbers?: Map<number, number>,
    texts?: Map<number, string>,
  ): readonly (readonly [string, string])[] | undefined {
    const length = this.varint();
    if (!this.has(length)) return undefined;
    const found: (readonly [string, string])[] = [];
    const end = this.at + length;
    while (this.at < end && !this.failed) {
      const kind = this.bytes[this.at++] ?? 0;
      const size = propertySizes[kind];
      if (size === undefined) return undefined;
      if (size === "varint") this.varint();
      else if (size === "text") {
        const value = this.text();
        if (value !== undefined) texts?.set(kind, value);
      } else if (size === "pair") found.push([this.text() ?? "", this.text() ?? ""]);
      else {
        if (this.at + size <= end) numbers?.set(kind, this.bytes.readUIntBE(this.at, size));
        this.at += size;
      }
    }
    if (this.at !== end) this.failed = true;
    return this.failed ? undefined : found;
  }

  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 4; shift++) {
      if (!this.has(1)) return 0;
      const byte = this.bytes[this.at++] ?? 0;
      value += (byte & 127) * 128 ** shift;
      if (byte < 128) return value;
    }
    this.failed = true;
    return 0;
  }

  private has(count: number): boolean {
    if (this.at + count > this.end) this.failed = true;
    return !this.failed;
  }
}

function packet(first: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([first]), varint(body.length), body]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 128 : low);
  } while (left > 0);
  return Buffer.from(bytes);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, "utf8");
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
}
