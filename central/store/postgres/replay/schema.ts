/** Tables of replay and erasure. Part of the schema (schema.ts). */
export const replaySchema = `
-- Jobs that read topics again. Definition and words are JSON, as bytes like all from outside.
create table replay (
  id bigint generated always as identity primary key,
  uid text not null,                            -- of its producer and of its progress in the cluster
  state text not null,                          -- running | paused | done | failed | cancelled
  definition bytea not null,
  asked_by bytea not null, asked_at bigint not null,
  changed_at bigint not null, ended_at bigint,
  resolved boolean not null default false,
  words bytea not null,                         -- gone, notes, trouble, error, rate
  owner text, lease_until bigint not null default 0   -- by the server's clock: it is one for all instances
);
create table replay_partition (
  replay bigint not null, topic bytea not null, partition integer not null,
  first bigint not null, next bigint not null, until bigint not null,
  counts text not null,                         -- JSON
  primary key (replay, topic, partition)
);
-- Vehicles that were erased: of what comes of them the number is accounted for, and nothing is stored.
create table suppression (
  vehicle bytea primary key,
  at bigint not null, by bytea not null,
  events bigint not null default 0,             -- removed
  withheld bigint not null default 0,           -- came afterwards
  letters_after bigint not null default 0,      -- of the dead letters, those up to this one were looked at
  erased boolean not null default false         -- nothing of it is left
);
-- What a record that is read again is looked up by.
create index dead_letter_place on dead_letter (source, first_offset);
-- The version of a row. Its count of events is none any more: what is put back was counted before.
alter table series add column changes bigint not null default 0;
-- Lost with its count, and made by records that were put back.
alter table series add column anew boolean not null default false;
`;
