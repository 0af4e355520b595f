import { parseIdentity } from "../../../shared/identity/identity.ts";
import { findSignature } from "../../../shared/kafka/record-batch/signature.ts";
import type { KeyList } from "../../../shared/signature/key-list.ts";
import { type BatchSender, unchecked } from "../../records/batch-sender.ts";
import { plainRecord, type RecordBlock } from "../../records/record-block.ts";

/** Longer ones are refused later; nobody's name is as long. */
const identityBytesMax = 512;

/**
 * Who made a batch, as far as its signature says. The key is looked up under the agent that the first record names: a
 * gateway's batch is of one agent, and a record that names another one is refused where claims are (ledger/claim.ts).
 */
export function batchSender(batch: Buffer, block: RecordBlock, keys: KeyList): BatchSender {
  const identity = block.count > 0 ? plainRecord(block, 0).identity : undefined;
  const agent =
    identity === undefined || identity.length > identityBytesMax ? undefined : parseIdentity(identity)?.agent;
  if (agent === undefined) return unchecked;
  const found = findSignature(batch);
  if (found === undefined) return { kind: "unsigned", agent };
  const key = keys.get(agent)?.get(found.keyId);
  if (key === undefined) return { kind: "wrong", agent, reason: "with a key that is not its agent's" };
  if (!found.verifiedBy(key.key)) return { kind: "wrong", agent, reason: "the signature is not of these records" };
  return { kind: "signed", agent, keyId: found.keyId };
}
