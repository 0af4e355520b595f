/** What those who follow the store read by: which events came, in the order of each partition. Part of the schema (schema.ts). */
export const feedSchema = `
-- An append's events: what series they are of, how many, and in which times they lie. Kept for an hour.
create table arrival (
  source integer not null, first_offset bigint not null, next_offset bigint not null,
  series bigint[] not null, events integer[] not null, first_time bigint[] not null, last_time bigint[] not null,
  days integer[] not null, total integer not null, at bigint not null,
  primary key (source, next_offset)
);
-- The offset from which arrivals are kept.
alter table source add column told_from bigint not null default 0;
update source set told_from = next;
`;
