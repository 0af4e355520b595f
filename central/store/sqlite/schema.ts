/**
 * The tables. Read top to bottom they are the data model; central/DESIGN.md says why they look so, and
 * shared/decisions/0010 has the numbers. Times are milliseconds since 1970.
 */
import { fleetSchema } from "./fleet/schema.ts";
import { redriveTable, replayTables } from "./replay/tables.ts";

/** One more with each change of the tables. */
export const schemaVersion = 9;

/** SQLite's mark of whose file it is: "TGct". */
export const applicationId = 0x54476374;

const rulesSchema = `
-- What rules keep of a vehicle (central/rules/machine/state.ts), and when time alone does something with it.
create table rule_state (
  id integer primary key,
  vehicle text not null unique,
  line text not null,                           -- topic/partition of its last event
  hour integer not null,                        -- of its last event's arrival, hours since 1970
  deadline integer,                             -- arrival time; it may be too early, never too late
  state text not null
);
create index rule_state_due on rule_state (line, deadline) where deadline is not null;
create index rule_state_hour on rule_state (hour);
-- The latest arrival of each topic/partition.
create table rule_line (line text primary key, clock integer not null) without rowid;

-- What rules have said. The id is the same in every store, the number is this one's.
create table alert (
  number integer primary key,
  id text not null unique,
  grp text not null, rule text not null, print text not null, kind text not null,
  vehicle text not null, stream text not null,
  state text not null,                          -- firing | resolved | occurred
  since integer not null, fired integer not null, resolved integer, resolved_by text,
  stored_at integer not null, value text, labels text not null, annotations text not null, event text not null
);
create index alert_vehicle on alert (vehicle, number);
create index alert_rule on alert (rule, number);
create index alert_firing on alert (rule) where state = 'firing';
create table alert_sum (rule text primary key, alerts integer not null) without rowid;

-- Changes of alerts that are not yet delivered.
create table alert_delivery (
  id integer primary key autoincrement,
  target text not null, key text not null, vehicle text not null, body text not null,
  attempts integer not null default 0, not_before integer not null default 0
);
create index alert_delivery_due on alert_delivery (target, not_before, id);
`;

/** Of an empty file. */
export const schema = `
-- How far each partition is stored. A topic that was deleted and made again is a new generation.
create table source (
  id          integer primary key,
  topic       text    not null,
  partition   integer not null,
  generation  integer not null,
  next        integer not null,                 -- offset of the next record to store
  before_offset integer, before_identity text, before_crc integer,  -- the last record before next
  topic_id    text,                             -- Kafka's id of the topic, where the brokers tell it (2.8 and later)
  stored      integer not null default 0,       -- events, all of them
  foreign_events integer not null default 0,    -- of these, without an identity: outside the ledger
  dead        integer not null default 0,
  dead_bytes  integer not null default 0,       -- kept of what was put aside
  updated_at  integer not null,
  unique (topic, partition, generation)
);

-- A lane is an ordered line of records of one stream of one agent; missing = next_seq - first_seq - received - shed - dead.
create table lane (
  id         integer primary key,
  agent      text not null, epoch text not null, stream text not null, lane integer not null,
  first_seq  integer not null default 0,        -- the lowest number seen: what lies before it was perhaps never sent here
  next_seq   integer not null default 0,        -- one behind the highest number seen
  received   integer not null default 0,
  shed       integer not null default 0,        -- dropped by the edge's policy, said by a marker
  dead       integer not null default 0,        -- received, and in dead_letter
  repeated   integer not null default 0,        -- came again with the same bytes: not stored again
  conflicts  integer not null default 0,        -- came again with other bytes: in conflict
  last_time  integer,                           -- event time of the latest record received
  sender     text not null default '',          -- who sent the numbers that it took last, in words
  updated_at integer not null,
  unique (agent, epoch, stream, lane)
);

-- Which numbers of a lane are accounted for. One range a row; what lies between the rows is missing.
create table ledger (
  lane integer not null, first integer not null, last integer not null,
  kind text not null,                           -- received | shed | dead
  reason text,
  primary key (lane, first)
) without rowid;

-- A vehicle's stream, and its last state.
create table series (
  id integer primary key,
  vehicle text not null, stream text not null,
  events integer not null default 0,
  last_time integer, last_lane integer, last_seq integer, last_source integer, last_offset integer,
  last_value blob, stored_at integer,
  anew integer not null default 0,              -- lost with its count, and made by records that were put back
  unique (vehicle, stream)
);

-- Events in the order of arrival, until there are enough to be folded into chunks.
create table recent (
  id integer primary key,
  series integer not null, time integer not null,
  lane integer not null, seq integer not null,  -- lane 0: a record without identity
  source integer not null, offset integer not null,
  value blob
);
create index recent_series on recent (series, time);

-- Events of one series within one hour, sorted by time and compressed (chunk-codec.ts says how to read the body).
create table chunk (
  id integer primary key,
  series integer not null, hour integer not null,  -- hours since 1970
  first_time integer not null, last_time integer not null,
  events integer not null, bytes integer not null, -- bytes: of the values, uncompressed
  body blob not null
);
create index chunk_series on chunk (series, hour);

-- What could not be stored as an event. A range where a whole batch was unreadable.
create table dead_letter (
  id integer primary key,
  source integer not null, first_offset integer not null, last_offset integer not null,
  reason text not null, identity text, key blob, value blob, record_time integer, at integer not null
);

-- Same identity, other bytes: somebody sends under another's name, or a broker lied.
create table conflict (
  id integer primary key,
  lane integer not null, seq integer not null, vehicle text not null, time integer not null,
  source integer not null, offset integer not null, value blob, at integer not null,
  sender text not null default '',              -- what is known of who sent it, in words
  held_by text not null default ''              -- who had sent what the lane took before it
);

-- Records that were in the topic and that nobody will read any more.
create table gap (
  id integer primary key,
  source integer not null, kind text not null,
  first_offset integer not null, last_offset integer,
  at integer not null
);

-- What an agent has taken of its quota; records without an identity count for 'topic NAME'.
create table account (
  name text primary key,
  lanes integer not null default 0, series integer not null default 0,  -- that it was the first to write
  day integer not null default 0, bytes integer not null default 0,     -- bytes of that day, days since 1970
  quarantined integer not null default 0
) without rowid;
${rulesSchema}${fleetSchema}${replayTables}${redriveTable}`;

/** From each earlier version to the next one. */
export const migrations: Readonly<Record<number, string>> = {
  1: `
    alter table source add column dead_bytes integer not null default 0;
    create table account (
      name text primary key,
      lanes integer not null default 0, series integer not null default 0,
      day integer not null default 0, bytes integer not null default 0,
      quarantined integer not null default 0
    ) without rowid;
    insert into account (name, lanes) select agent, count(*) from lane group by agent;
  `,
  2: "alter table source add column topic_id text",
  3: `
    alter table lane add column first_seq integer not null default 0;
    alter table lane add column sender text not null default '';
    alter table conflict add column sender text not null default '';
    alter table conflict add column held_by text not null default '';
    update lane set first_seq = coalesce((select min(first) from ledger where ledger.lane = lane.id), 0);
  `,
  4: rulesSchema,
  5: fleetSchema,
  6: replayTables,
  7: redriveTable,
  8: "alter table series add column anew integer not null default 0",
};
