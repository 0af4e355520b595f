/** What relay sinks send to an aggregator. */
import { mendCrc } from "../../../central/testing/batches.ts";
import { Origins } from "../../../edge/records/origins.ts";
import { readRelayedBody } from "../../../edge/sources/relay/relayed-body.ts";
import { RelayedPush } from "../../../edge/sources/relay/relayed-push.ts";
import { FakeIntake } from "../../../edge/testing/fakes/intake.ts";
import { IDENTITY_HEADER, parseIdentity } from "../../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../../shared/kafka/record-batch/builder.ts";
import { splitBatches } from "../../../shared/kafka/record-batch/frames.ts";
import { HEADER_BYTES } from "../../../shared/kafka/record-batch/header.ts";
import { type DecodedRecord, decodeRecords } from "../../../shared/kafka/record-batch/records.ts";
import { mutateBytes, pick } from "../mutate.ts";
import { type FuzzTarget, mayRefuse } from "../target.ts";

const lane = "gw1/e1/drive.0/";
const identities = [`${lane}0@1`, `${lane}5-9!overflow@1`, `${lane}10@-7`, "gw2/e1/drive.0/0@1", lane];
const plain = batchOf([0, 1, 2].map((seq) => `${lane}${seq}@1790000000000`));
const bodies = [
  plain,
  Buffer.concat([plain, batchOf([`${lane}3@1`, `${lane}4@1`])]),
  batchOf(identities.slice(0, 3)),
  batchOf(identities),
];

/** Not compressed, so that what is changed is seen in the records. */
function batchOf(texts: readonly string[]): Buffer {
  const builder = new RecordBatchBuilder({ compression: "none", identity: undefined });
  builder.begin(0);
  for (const [at, text] of texts.entries()) {
    const buffer = Buffer.from(`value ${at}`);
    const headers = { headerNames: ["file", IDENTITY_HEADER, "origin"], headerValues: ["/a", text, "somewhere"] };
    builder.append({
      buffer,
      start: 0,
      end: buffer.length,
      eventTimeMs: 1_790_000_000_000 + at,
      key: "car-1",
      ...headers,
    });
  }
  return Buffer.from(builder.seal().bytes);
}

/** A body is refused in words, or becomes the events that the plain reader of batches finds in it, in its order. */
export const bodiesToAggregator: FuzzTarget = {
  name: "bodies to the relay source",
  try(random) {
    const bytes = Buffer.from(mutateBytes(random, bodies));
    if (bytes.length > HEADER_BYTES && random.next() < 0.8) {
      bytes.writeInt32BE(random.next() < 0.9 ? bytes.length - 12 : pick(random, bytes.length), 8);
      mendCrc(bytes);
    }
    const body = mayRefuse(() => readRelayedBody(bytes, random.next() < 0.5 ? undefined : "gw1"));
    if (body === undefined) return;
    const intake = new FakeIntake();
    const push = new RelayedPush(body, { keepOrigin: false, shed: () => {}, cameAgain: () => {} });
    push.appendTo(intake, new Origins(new Map()));
    const found = splitBatches(bytes).flatMap((frame) => [...decodeRecords(frame.bytes)]);
    const expected = found.filter((record) => parseIdentity(originOf(record))?.kind === "record").map(wordsOf);
    const events = intake.events.map(({ body: value, headers }) => `${headers.origin} ${value}`);
    if (JSON.stringify(events) !== JSON.stringify(expected)) throw new Error(`${events} instead of ${expected}`);
    // The same again is known.
    const origins = new Origins(new Map());
    const again = new FakeIntake();
    for (let turn = 0; turn < 2; turn++) push.appendTo(again, origins);
    if (again.events.length !== events.length) throw new Error(`${again.events.length} of ${events.length}`);
  },
};

function originOf({ headers }: DecodedRecord): string {
  return String(headers.find(({ name }) => name === IDENTITY_HEADER)?.value ?? "");
}

function wordsOf(record: DecodedRecord): string {
  return `${originOf(record)} ${record.value.toString("latin1")}`;
}
