/** Dead letters as they are chosen; on either connection. */
import type Database from "better-sqlite3";
import { keyOf } from "../../../ledger/vehicle.ts";
import type { DeadLetterPage, DeadLetterRow } from "../../reader.ts";
import type { DeadLetterChoice, DeadLetterCount, KeptLetter } from "../../redrive-port.ts";

interface Chosen {
  readonly topic: string | null;
  readonly reason: string | null;
  /** The key of a vehicle, and what the identity of its records without a key begins with. */
  readonly key: Buffer | null;
  readonly sender: string | null;
}

type Stored<Row> = Omit<Row, "identity"> & { readonly identity: string | null };
type StoredLetter = Stored<Omit<KeptLetter, "recordTimeMs">> & { readonly recordTimeMs: number | null };

const chosen = `from dead_letter d join source s on s.id = d.source
  where (:topic is null or s.topic = :topic) and (:reason is null or instr(d.reason, :reason) > 0)
    and (:key is null or d.key = :key or (coalesce(length(d.key), 0) = 0 and instr(d.identity, :sender) = 1))`;
const columns = `d.id, s.topic, s.partition, d.first_offset as firstOffset, d.last_offset as lastOffset, d.reason, d.identity,
  d.key, d.value`;

export class DeadLetters {
  private readonly sql;

  constructor(database: Database.Database) {
    this.sql = {
      page: database.prepare<Chosen & { after: number; limit: number }, Stored<DeadLetterRow>>(
        `select ${columns}, d.at as atMs ${chosen} and d.id > :after order by d.id limit :limit`,
      ),
      count: database.prepare<Chosen, DeadLetterCount>(
        `select count(*) as letters, coalesce(sum(d.last_offset - d.first_offset + 1), 0) as records ${chosen}`,
      ),
      some: database.prepare<Chosen & { after: number; until: number; limit: number }, StoredLetter>(
        `select ${columns}, d.record_time as recordTimeMs ${chosen} and d.id > :after and d.id <= :until
         order by d.id limit :limit`,
      ),
      named: database.prepare<[string], StoredLetter>(
        `select ${columns}, d.record_time as recordTimeMs from dead_letter d join source s on s.id = d.source
         where d.id in (select value from json_each(?)) order by d.id`,
      ),
      last: database.prepare<[], number>("select coalesce(max(id), 0) from dead_letter").pluck(),
    };
  }

  /** Not all at once: whoever reads them stops where enough was read. */
  page({ afterId, limit, ...choice }: DeadLetterPage): IterableIterator<Stored<DeadLetterRow>> {
    return this.sql.page.iterate({ ...chosenBy(choice), after: afterId, limit });
  }

  count(choice: DeadLetterChoice): DeadLetterCount {
    return this.sql.count.get(chosenBy(choice)) ?? { letters: 0, records: 0 };
  }

  kept(choice: DeadLetterChoice, after: number, until: number, limit: number): KeptLetter[] {
    return this.sql.some.all({ ...chosenBy(choice), after, until, limit }).map(letterOf);
  }

  named(ids: readonly number[]): KeptLetter[] {
    return this.sql.named.all(JSON.stringify(ids)).map(letterOf);
  }

  get lastId(): number {
    return this.sql.last.get() ?? 0;
  }
}

function chosenBy({ topic, reason, vehicle }: DeadLetterChoice): Chosen {
  const key = vehicle === undefined ? null : keyOf(vehicle);
  return { topic: topic ?? null, reason: reason ?? null, key, sender: vehicle === undefined ? null : `${vehicle}/` };
}

function letterOf({ identity, recordTimeMs, ...row }: StoredLetter): KeptLetter {
  return { ...row, identity: identity ?? undefined, recordTimeMs: recordTimeMs ?? undefined };
}
