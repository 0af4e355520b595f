/**
 * The tables, all in the schema `tailgate`. Read top to bottom they are the data model; DESIGN.md says why they look so.
 *
 * Names and texts from outside are `bytea` (UTF-8): PostgreSQL's text refuses NUL, and holds only what the database's
 * encoding has. The views at the end show them as text. Times are milliseconds since 1970, days are days since 1970.
 */
import { feedSchema } from "./feed/schema.ts";
import { fleetSchema } from "./fleet/schema.ts";
import { redriveSchema } from "./replay/redrive-schema.ts";
import { replaySchema } from "./replay/schema.ts";
import { rulesSchema } from "./rules/schema.ts";

export const schemaName = "tailgate";

export const schemaVersion = 6;

/** Stands in the one row of `store`: another program's table of that name does not have it. */
export const storeMark = "tailgate central";

/** Tables of events of one day are made like this one. */
const eventColumns = `
  day integer not null, series bigint not null, time bigint not null,
  lane bigint not null, seq bigint not null,    -- lane 0: a record without identity
  source integer not null, "offset" bigint not null,
  value bytea`;

/** Of version 1. */
export const firstSchema = `
create table store (
  mark text not null, version integer not null,
  id text not null,                             -- the same for everybody who uses this database
  probes bigint not null default 0
);

-- How far each partition is stored. A topic that was deleted and made again is a new generation.
create table source (
  id          integer generated always as identity primary key,
  topic       bytea   not null,
  partition   integer not null,
  generation  integer not null,
  next        bigint  not null,                 -- offset of the next record to store
  before_offset bigint, before_identity bytea, before_crc bigint,  -- the last record before next
  topic_id    bytea,                            -- Kafka's id of the topic, where the brokers tell it (2.8 and later)
  stored      bigint  not null default 0,       -- events, all of them
  foreign_events bigint not null default 0,     -- of these, without an identity: outside the ledger
  dead        bigint  not null default 0,
  dead_bytes  bigint  not null default 0,       -- kept of what was put aside
  updated_at  bigint  not null,
  unique (topic, partition, generation)
) with (fillfactor = 50);

-- A lane is an ordered line of records of one stream of one agent; missing = next_seq - first_seq - received - shed - dead.
create table lane (
  id         bigint generated always as identity primary key,
  agent      bytea not null, epoch bytea not null, stream bytea not null, lane bigint not null,
  first_seq  bigint not null default 0,         -- the lowest number seen: what lies before it was perhaps never sent here
  next_seq   bigint not null default 0,         -- one after the highest number seen
  received   bigint not null default 0,
  shed       bigint not null default 0,         -- dropped by the edge's policy, said by a marker
  dead       bigint not null default 0,
  repeated   bigint not null default 0,         -- came again with the same bytes: not stored again
  conflicts  bigint not null default 0,         -- came again with other bytes: in conflict
  last_time  bigint,                            -- event time of the latest record received
  sender     bytea not null default '',         -- who sent the numbers that it took last, in words
  updated_at bigint not null,
  unique (agent, epoch, stream, lane)
) with (fillfactor = 50);

-- Which numbers of a lane are accounted for. One range a row; what lies between the rows is missing.
create table ledger (
  lane bigint not null, first bigint not null, last bigint not null,
  kind text not null,                           -- received | shed | dead
  reason bytea,
  primary key (lane, first)
) with (fillfactor = 50);

-- A vehicle's stream, and its last state.
create table series (
  id bigint generated always as identity primary key,
  vehicle bytea not null, stream bytea not null,
  events bigint not null default 0,
  last_time bigint, last_lane bigint, last_seq bigint, last_source integer, last_offset bigint,
  last_value bytea, stored_at bigint,
  unique (vehicle, stream)
) with (fillfactor = 50);

-- Events, a table a day of event time (event_2026_11_26); days that are far from the clock are in event_rest.
create table event (${eventColumns}
) partition by list (day);

-- What could not be stored as an event. A range where a whole batch was unreadable.
create table dead_letter (
  id bigint generated always as identity primary key,
  source integer not null, first_offset bigint not null, last_offset bigint not null,
  reason bytea not null, identity bytea, key bytea, value bytea, record_time bigint, at bigint not null
);

-- Same identity, other bytes: somebody sends under another's name, or a broker lied.
create table conflict (
  id bigint generated always as identity primary key,
  lane bigint not null, seq bigint not null, vehicle bytea not null, time bigint not null,
  source integer not null, "offset" bigint not null, value bytea, at bigint not null,
  sender bytea not null,                        -- what is known of who sent it, in words
  held_by bytea not null                        -- who had sent what the lane took before it
);

-- Records that were in the topic and that nobody will read any more.
create table gap (
  id bigint generated always as identity primary key,
  source integer not null, kind text not null,
  first_offset bigint not null, last_offset bigint,
  at bigint not null
);

-- What an agent has taken of its quota; records without an identity count for 'topic NAME'.
create table account (
  name bytea primary key,
  lanes bigint not null default 0, series bigint not null default 0,  -- that it was the first to write
  day integer not null default 0, bytes bigint not null default 0,    -- bytes of that day
  quarantined boolean not null default false
) with (fillfactor = 50);

-- For people: names as text, times as times. In a database that is not UTF-8 a name may have no text.
create view event_readable as
  select convert_from(s.vehicle, 'UTF8') as vehicle, convert_from(s.stream, 'UTF8') as stream,
    case when e.time between -62135596800000 and 253402300799999 then to_timestamp(e.time / 1000.0) end as time,
    e.time as time_ms, e.lane, e.seq, convert_from(o.topic, 'UTF8') as topic, o.partition, e."offset", e.value, e.day
  from event e join series s on s.id = e.series join source o on o.id = e.source;
create view lane_readable as
  select id, convert_from(agent, 'UTF8') as agent, convert_from(epoch, 'UTF8') as epoch, convert_from(stream, 'UTF8') as stream,
    lane, first_seq, next_seq, received, shed, dead, next_seq - first_seq - received - shed - dead as missing, repeated, conflicts
  from lane;
`;

/** Makes the table of a day beside the partitioned one, and then its part: readers and writers go on meanwhile. */
export function dayTable(table: string, day: number): string {
  return `
    create table ${table} (${eventColumns});
    create index ${table}_series on ${table} (series, time, source, "offset");
    alter table event attach partition ${table} for values in (${day});
  `;
}

/** From each earlier version to the next one. */
export const migrations: Readonly<Record<number, string>> = {
  1: fleetSchema,
  2: redriveSchema,
  3: feedSchema,
  4: replaySchema,
  5: rulesSchema,
};

/** Session's own: what an append brings to the series, in one COPY. */
export const incoming = `
create temp table if not exists incoming_series (
  id bigint not null, seen bigint not null, added bigint not null,
  last_time bigint, last_lane bigint, last_seq bigint, last_source integer, last_offset bigint, last_value bytea
) on commit delete rows`;
