/** Tables of the fleet: who is there, what each lane's agent says of it, hours, outages. */
export const fleetSchema = `
-- The newest heartbeat of each agent. Times are the broker's, or central's; clock_offset says how far the agent's is off.
create table agent (
  agent text primary key,
  heard_at integer not null, run text not null, n integer not null,
  every_ms integer not null, started_at integer not null, clock_offset integer not null,
  version text not null, config text not null,
  backlog_events integer not null, backlog_bytes integer not null, free_disk integer,
  stopping integer not null,
  last_outage integer not null,                 -- of this run, the last one that was taken
  losses text not null                          -- JSON: what was lost without ever having had a number
) without rowid;
create index agent_heard on agent (heard_at);

-- How far the agent has numbered each of its lanes, and what of it is still in the vehicle.
create table lane_beat (
  agent text not null, stream text not null, epoch text not null, lane integer not null,
  destination text not null,
  assigned integer not null, unsent_from integer not null, held integer not null, unsent_at integer,
  hours text not null,                          -- JSON: hour and first number, of what is unsent
  heard_at integer not null, sent_at integer not null,
  primary key (agent, stream, epoch, lane)
) without rowid;

-- Times in which an agent was away, with the numbers that waited (JSON).
create table outage (
  id integer primary key,
  agent text not null, kind text not null,      -- link | stopped | killed
  from_at integer not null, to_at integer not null, caught_up_at integer,
  missed text not null, missed_cut integer not null, losses text not null
);
create index outage_agent on outage (agent, from_at);
create index outage_from on outage (from_at, id);
create index outage_open on outage (agent) where caught_up_at is null;

-- What came of each lane in each hour of event time. By hour first: all that is written now is on few pages.
create table tally (
  hour integer not null, lane integer not null,
  stored integer not null, late integer not null, repeated integer not null, shed integer not null, dead integer not null,
  first_seq integer not null, last_seq integer not null,  -- the lowest and the highest number of it
  primary key (hour, lane)
) without rowid;

-- Numbers that were shed, by reason: few rows beside those that were received.
create index ledger_shed on ledger (reason, lane) where kind = 'shed';
`;
