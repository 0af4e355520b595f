/** Tables of rules and alerts. Part of the schema (schema.ts). Names, states and texts are bytes like all from outside. */
export const rulesSchema = `
-- What rules keep of a vehicle (central/rules/machine/state.ts), and when time alone does something with it.
create table rule_state (
  vehicle bytea primary key,
  line bytea not null,                          -- topic/partition of its last event
  hour bigint not null,                         -- of its last event's arrival, hours since 1970
  deadline bigint,                              -- arrival time; it may be too early, never too late
  state bytea not null
) with (fillfactor = 50);
create index rule_state_due on rule_state (line, deadline) where deadline is not null;
create index rule_state_hour on rule_state (hour);
-- The latest arrival of each topic/partition. Its row is locked by who feeds rules with it.
create table rule_line (line bytea primary key, clock bigint not null) with (fillfactor = 50);

-- What rules have said. The id is the same in every store, the number is this one's.
create table alert (
  number bigint generated always as identity primary key,
  id text not null unique,
  grp bytea not null, rule bytea not null, print text not null, kind text not null,
  vehicle bytea not null, stream bytea not null,
  state text not null,                          -- firing | resolved | occurred
  since bigint not null, fired bigint not null, resolved bigint, resolved_by text,
  stored_at bigint not null, value bytea, labels bytea not null, annotations bytea not null, event bytea not null
);
create index alert_vehicle on alert (vehicle, number);
create index alert_rule on alert (rule, number);
create index alert_firing on alert (rule) where state = 'firing';
create table alert_sum (rule bytea primary key, alerts bigint not null) with (fillfactor = 50);

-- Changes of alerts that are not yet delivered.
create table alert_delivery (
  id bigint generated always as identity primary key,
  target text not null, key text not null, vehicle bytea not null, body bytea not null,
  attempts integer not null default 0, not_before bigint not null default 0
);
create index alert_delivery_due on alert_delivery (target, not_before, id);
`;
