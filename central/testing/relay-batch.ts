import { IDENTITY_HEADER } from "../../shared/identity/identity.ts";
import { RecordBatchBuilder } from "../../shared/kafka/record-batch/builder.ts";

/** What a batch of a test may differ in. */
export interface RelayBatch {
  readonly first: number;
  readonly count: number;
  readonly agent?: string;
  readonly lane?: number;
  /** Of each record, by its number; "x" of this length when a number. */
  readonly value?: (seq: number) => string;
  /** In place of what identifies it. */
  readonly identity?: (seq: number) => string | undefined;
}

/** A batch as an edge's channel holds it: numbered from `first`, of stream `drive`, a second between records. */
export function relayBatch({ first, count, agent = "gw1", lane = 0, value, identity }: RelayBatch): Buffer {
  const lanes = { agent, epoch: "e1", stream: "drive", lane };
  const builder = new RecordBatchBuilder({ compression: "zstd", identity: identity === undefined ? lanes : undefined });
  builder.begin(first);
  for (let seq = first; seq < first + count; seq++) {
    const bytes = Buffer.from(value?.(seq) ?? `value ${seq}`);
    const text = identity?.(seq);
    builder.append({
      buffer: bytes,
      start: 0,
      end: bytes.length,
      eventTimeMs: 1_790_000_000_000 + seq * 1_000,
      key: `car-${seq % 3}`,
      headerNames: text === undefined ? [] : [IDENTITY_HEADER],
      headerValues: text === undefined ? [] : [text],
    });
  }
  return Buffer.from(builder.seal().bytes);
}
