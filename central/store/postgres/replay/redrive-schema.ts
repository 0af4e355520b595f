/** Tables of redrive: jobs that try dead letters again. Part of the schema (schema.ts). */
export const redriveSchema = `
create table redrive (
  id bigint generated always as identity primary key,
  state text not null,                          -- running | done | cancelled
  choice bytea not null,                        -- JSON, as bytes like all from outside
  asked_by bytea not null, asked_at bigint not null,
  changed_at bigint not null, ended_at bigint,
  letters bigint not null,                      -- chosen when it began
  after_id bigint not null default 0,           -- done up to this one
  until_id bigint not null,                     -- the last of them
  counts text not null,                         -- JSON
  owner text, lease_until bigint not null default 0   -- by the server's clock: it is one for all instances
);
-- One at a time.
create unique index redrive_running on redrive (state) where state = 'running';
-- What a letter that is tried again is looked up by.
create index conflict_place on conflict (source, "offset");
`;
