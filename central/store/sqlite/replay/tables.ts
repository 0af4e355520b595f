/** Tables of replay, erasure and redrive; part of the schema (schema.ts). */
export const replayTables = `
-- Jobs that read topics again. Lists and words are JSON: nobody looks into them by SQL.
create table replay (
  id         integer primary key,
  uid        text    not null,                  -- of its producer and of its progress in the cluster
  state      text    not null,                  -- running | paused | done | failed | cancelled
  definition text    not null,
  asked_by   text    not null, asked_at integer not null,
  changed_at integer not null, ended_at integer,
  resolved   integer not null default 0,
  words      text    not null,                  -- gone, notes, trouble, error, rate
  owner      text,    lease_until integer not null default 0
);
create table replay_partition (
  replay integer not null, topic text not null, partition integer not null,
  first integer not null, next integer not null, until integer not null,
  counts text not null,
  primary key (replay, topic, partition)
) without rowid;

-- Vehicles that were erased: of what comes of them the number is accounted for, and nothing is stored.
create table suppression (
  vehicle  text primary key,
  at       integer not null, by text not null,
  events   integer not null default 0,          -- removed
  withheld integer not null default 0,          -- came afterwards
  erased   integer not null default 0           -- 1: nothing of it is left; others: erasure.ts
) without rowid;

-- What a record that is read again is looked up by.
create index dead_letter_place on dead_letter (source, first_offset);
create index conflict_place on conflict (source, offset);
`;

/** Of a later version than those. */
export const redriveTable = `
-- Jobs that try dead letters again. Choice and counts are JSON: nobody looks into them by SQL.
create table redrive (
  id         integer primary key,
  state      text    not null,                  -- running | done | cancelled
  choice     text    not null,
  asked_by   text    not null, asked_at integer not null,
  changed_at integer not null, ended_at integer,
  letters    integer not null,                  -- chosen when it began
  after_id   integer not null default 0,        -- done up to this one
  until_id   integer not null,                  -- the last of them
  counts     text    not null,
  owner      text,    lease_until integer not null default 0
);
-- One at a time.
create unique index redrive_running on redrive (state) where state = 'running';
`;
