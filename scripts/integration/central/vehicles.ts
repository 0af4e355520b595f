/** Vehicles that write to a real broker as their gateways would, and one that does not. */
import { formatIdentity, IDENTITY_HEADER, type Identity } from "../../../shared/identity/identity.ts";
import type { BrokerNode, KafkaLink } from "../../../shared/kafka/connection/link.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { stampBatch } from "../../../shared/kafka/record-batch/header.ts";
import { asZstd, signatureOf } from "../../../shared/kafka/record-batch/signature.ts";
import { makeSigningKey, readSigningKey, type SigningKey } from "../../../shared/signature/keys.ts";

/** A new key of a gateway. */
export function newKey(): SigningKey {
  const read = readSigningKey(makeSigningKey());
  if (!read.ok) throw new Error(read.message);
  return read.value;
}

/** What is said of a record; the rest is like any other. */
export interface SaidRecord extends Partial<Omit<Identity, "kind">> {
  readonly kind?: Identity["kind"];
  readonly vehicle?: string;
  readonly value?: string;
  /** In place of the identity that the fields above make. */
  readonly header?: string;
}

/** A batch, ready to be sent any number of times. */
export interface ReadyBatch {
  readonly bytes: Buffer;
  readonly trailer: Buffer | undefined;
}

const nobody = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };

/** Builds a batch of what is said; signed when there is a key. */
export function say(agent: string, records: readonly SaidRecord[], key: SigningKey | undefined): ReadyBatch {
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: undefined });
  builder.begin(0);
  for (const { vehicle, value = "{}", header, ...said } of records) {
    const { first = 0, last = first, eventTimeMs = Date.now() } = said;
    const lane = { agent, epoch: "e1", stream: "drive", lane: 0 };
    const identity = formatIdentity({
      kind: "record",
      reason: undefined,
      ...lane,
      ...said,
      first,
      last,
      eventTimeMs,
    });
    const bytes = Buffer.from(value);
    const headers = { headerNames: [IDENTITY_HEADER], headerValues: [header ?? identity] };
    builder.append({ buffer: bytes, start: 0, end: bytes.length, eventTimeMs: Date.now(), key: vehicle, ...headers });
  }
  const { bytes, recordsCrc } = asZstd(builder.seal());
  const trailer = key && signatureOf(bytes, key);
  stampBatch(bytes, recordsCrc, { ...nobody, trailer });
  return { bytes, trailer };
}

/** Sends to one topic by one connection a broker. */
export class Sender {
  private leaders: readonly (BrokerNode | undefined)[] = [];

  constructor(
    private readonly link: KafkaLink,
    private readonly topic: string,
  ) {}

  async send(partition: number, batch: ReadyBatch): Promise<void> {
    if (this.leaders.length === 0) this.leaders = (await this.link.topic(this.topic)).leaders;
    const node = this.leaders[partition];
    if (node === undefined) throw new Error(`no leader of partition ${partition}`);
    const [answer] = await this.link.produce(node, [{ topic: this.topic, partition, ...batch }]);
    if (answer?.errorCode !== 0) throw new Error(`produce: error ${answer?.errorCode}`);
  }
}

/** A vehicle whose gateway numbers and signs what it says. */
export class HonestVehicle {
  readonly key = newKey();
  readonly agent: string;
  readonly name: string;
  /** What it said last, and how often it has said something. */
  last = "";
  sent = 0;

  constructor(
    number: number,
    readonly partition: number,
    private readonly sender: Sender,
  ) {
    this.agent = `gw-${number}`;
    this.name = `car-${number}`;
  }

  /** So many lines at once. */
  async say(count: number): Promise<void> {
    const records = Array.from({ length: count }, (_, index) => {
      this.last = `${this.name} says ${this.sent + index}`;
      return { first: this.sent + index, vehicle: this.name, value: this.last };
    });
    await this.sender.send(this.partition, say(this.agent, records, this.key));
    this.sent += count;
  }
}

/** Everything that a vehicle with a right to write can do wrong, one batch each. `victim`: another one. */
export function hostileBatches(
  agent: string,
  key: SigningKey,
  victim: Pick<HonestVehicle, "agent" | "name">,
): readonly ReadyBatch[] {
  const signed = (records: readonly SaidRecord[]) => say(agent, records, key);
  const many = (count: number, record: (index: number) => SaidRecord) =>
    Array.from({ length: count }, (_, i) => record(i));
  const inAdvance = many(1_000, (index) => ({ first: index * 50, vehicle: victim.name, value: "forged" }));
  return [
    // 300,000 poison records in a few hundred KB.
    signed(many(300_000, () => ({ header: `${agent}/e1/drive.0/1@99999999999999999` }))),
    // Numbers in other agents' names: not signed, and signed by the wrong one.
    say(victim.agent, inAdvance, undefined),
    say(victim.agent, inAdvance, key),
    say(victim.agent, [{ kind: "shed", first: 0, last: 2 ** 31, reason: "ttl" }], key),
    // Another one's vehicle, in its own name: dates of the year 9999, a hair ahead, and now.
    signed(many(500, (index) => ({ first: index, lane: 1, vehicle: victim.name, eventTimeMs: 253_402_300_799_000 }))),
    signed(many(500, (index) => ({ first: index, lane: 2, vehicle: victim.name, value: "forged" }))),
    // Lanes that begin and jump as far as they may, and farther.
    signed(many(1_100, (index) => ({ lane: 10 + index, first: 2 ** 48, vehicle: agent, eventTimeMs: 1 }))),
    signed(many(1_000, (index) => ({ lane: 3, first: index * (2 ** 32 - 1), vehicle: agent }))),
    signed(many(2_000, (index) => ({ lane: 4, first: index * 1_000_003, vehicle: agent }))),
    signed(many(20_000, (index) => ({ lane: 5_000 + index, first: 0, vehicle: agent }))),
    // Markers for more than was ever sent.
    signed(
      many(500, (index) => ({ kind: "shed", lane: 6, first: index, last: 9e15, reason: "overflow", vehicle: agent })),
    ),
    signed(many(500, (index) => ({ kind: "shed", lane: 7, first: index, last: index + 2 ** 32 - 2, reason: "dead" }))),
    // Names of 100 KB: of vehicles, and of agents and streams.
    ...[0, 1].map((round) =>
      signed(many(50, (index) => ({ lane: 8, first: round * 50 + index, vehicle: `${index}`.repeat(50_000) }))),
    ),
    signed(many(50, (index) => ({ header: `${"x".repeat(100_000)}${index}/e1/drive.0/1@1` }))),
    signed(many(50, (index) => ({ header: `${agent}/e1/${"y".repeat(100_000)}${index}.0/1@1` }))),
    // Vehicles without end.
    signed(many(20_000, (index) => ({ lane: 9, first: index, vehicle: `ghost-${index}` }))),
    // No identity at all, under another one's name.
    signed(many(1_000, () => ({ header: "nonsense", vehicle: victim.name, value: "foreign" }))),
  ];
}
