import { readClaim } from "../../../central/ledger/claim.ts";
import { bounds } from "../../../central/ledger/limits.ts";
import { MemoryLedger } from "../../../central/testing/memory-ledger.ts";
import { noonMs, testRecord } from "../../../central/testing/records.ts";
import { formatIdentity, parseIdentity } from "../../../shared/identity/identity.ts";
import type { Random } from "../../../shared/random/random.ts";
import { mutateText, oneOf, pick } from "../mutate.ts";
import type { FuzzTarget } from "../target.ts";

const seeds = [
  "gw1/e1/drive.0/5@1760000000000",
  "gw1/e1/drive.0/5-9!overflow@1760000000000",
  "gw-2/abc/s_1.17/0@-1",
  `gw1/e1/drive.0/${bounds.seq}@1`,
  `gw1/e1/drive.${bounds.lane}/0-${bounds.jump - 1}!ttl@0`,
];
const words = ["gw1", "/", ".", "@", "-", "!", "ttl", "dead", "0", "00", `${2 ** 48}`, `${2 ** 53}`, "9".repeat(17)];

/** The header's text: what is taken says the same when it is written again, and is within the bounds. */
export const identityHeaders: FuzzTarget = {
  name: "identity headers",
  try(random) {
    const text = mutateText(random, seeds, words);
    const identity = parseIdentity(text);
    if (identity !== undefined) {
      const again = parseIdentity(formatIdentity(identity));
      const exact = [identity.lane, identity.last, identity.eventTimeMs].every(Number.isSafeInteger);
      if (exact && JSON.stringify(again) !== JSON.stringify(identity)) throw new Error(`"${text}"`);
    }
    const claim = readClaim(text);
    if (claim.kind !== "identity") return;
    const { first, last, lane, agent } = claim.identity;
    if (first > last || last > bounds.seq || lane > bounds.lane || agent.length > bounds.nameBytes) {
      throw new Error(`beyond the bounds: "${text.slice(0, 600)}"`);
    }
  },
};

function record(random: Random, offset: number) {
  const identity = random.next() < 0.1 ? null : mutateText(random, seeds, words);
  const exact = `gw1/e1/drive.${pick(random, 3)}/${pick(random, 50)}@${noonMs + pick(random, 50)}`;
  const marker = `gw1/e1/drive.${pick(random, 3)}/${pick(random, 50)}-${50 + pick(random, 50)}!ttl@${noonMs}`;
  return testRecord({
    offset,
    identity: oneOf(random, [identity, exact, exact, marker]),
    vehicle: oneOf(random, ["car-1", "car-2", "\u202e", "x".repeat(300), ""]),
    value: oneOf(random, ["a", "b", null, "x".repeat(1_000)]),
    timeMs: oneOf(random, [noonMs, 2 ** 53, -(2 ** 53), 0]),
  });
}

/** The rules of the ledger: whatever is claimed, each lane's numbers are exact and add up. */
export const claims: FuzzTarget = {
  name: "claims and markers",
  try(random) {
    const ledger = new MemoryLedger();
    let offset = 0;
    for (let round = 0; round < 4; round++) {
      const records = Array.from({ length: 1 + pick(random, 30) }, () => record(random, offset++));
      const { counts } = ledger.append(records, noonMs);
      const seen = counts.stored + counts.repeated + counts.conflicts + counts.refused;
      if (seen > records.length) throw new Error(`${seen} of ${records.length} records`);
    }
    for (const [name, { firstSeq, nextSeq, ranges }] of ledger.lanes) {
      let accounted = 0;
      let before = -1;
      for (const { first, last } of [...ranges.values()].sort((a, b) => a.first - b.first)) {
        if (first <= before || last < first) throw new Error(`${name}: ranges overlap at ${first}`);
        before = last;
        accounted += last - first + 1;
      }
      const missing = nextSeq - firstSeq - accounted;
      if (!Number.isSafeInteger(missing) || missing < 0) throw new Error(`${name}: ${missing} missing`);
    }
  },
};
