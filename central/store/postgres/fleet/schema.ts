/** Tables of the fleet: who is there, hours of each lane, outages. Part of the schema (schema.ts). */
export const fleetSchema = `
-- The newest heartbeat of each agent. Times are the broker's, or central's. What it says is JSON, as bytes like all from outside.
create table agent (
  agent bytea primary key,
  heard_at bigint not null,
  oldest_unsent bigint,                         -- event time of the oldest record that is still in the vehicle
  presence bytea not null,                      -- version, config, backlog, disk, clock, losses
  lanes bytea not null                          -- how far it has numbered each lane, and what of it is unsent
) with (fillfactor = 50);                       -- no index on heard_at: each heartbeat would write every index anew

-- Times in which an agent was away, with the numbers that waited (JSON).
create table outage (
  id bigint generated always as identity primary key,
  agent bytea not null, kind text not null,     -- link | stopped | killed
  from_at bigint not null, to_at bigint not null, caught_up_at bigint,
  missed bytea not null, missed_cut integer not null, losses bytea not null
);
create index outage_agent on outage (agent, from_at);
create index outage_from on outage (from_at, id);
create index outage_open on outage (agent) where caught_up_at is null;

-- What came of each lane in each hour of event time (hours since 1970).
create table tally (
  lane bigint not null, hour bigint not null,
  stored bigint not null, late bigint not null, repeated bigint not null, shed bigint not null, dead bigint not null,
  first_seq bigint not null, last_seq bigint not null,  -- the lowest and the highest number of it
  primary key (lane, hour)
) with (fillfactor = 50);

-- Numbers that were shed, by reason: few rows beside those that were received.
create index ledger_shed on ledger (reason, lane) where kind = 'shed';

create view agent_readable as
  select convert_from(agent, 'UTF8') as agent, to_timestamp(heard_at / 1000.0) as heard, convert_from(presence, 'UTF8') as presence,
    convert_from(lanes, 'UTF8') as lanes
  from agent;
`;
