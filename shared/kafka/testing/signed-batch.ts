import type { SigningKey } from "../../signature/keys.ts";
import { type ProducerStamp, stampBatch } from "../record-batch/header.ts";
import { asZstd, type BatchBytes, signatureOf } from "../record-batch/signature.ts";

const nobody: ProducerStamp = { producerId: -1n, producerEpoch: -1, baseSequence: -1 };

/** A signed batch in one piece, as it is on the wire. */
export function signedBatch(batch: BatchBytes, key: SigningKey, stamp = nobody): Buffer {
  const { bytes, recordsCrc } = asZstd({ ...batch, bytes: Buffer.from(batch.bytes) });
  const trailer = signatureOf(bytes, key);
  stampBatch(bytes, recordsCrc, { ...stamp, trailer });
  return Buffer.concat([bytes, trailer]);
}
