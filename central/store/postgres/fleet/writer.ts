/**
 * Keeps heartbeats, inside the store's transaction. What they come to is decided by central/fleet/presence.ts.
 *
 * Those who keep heartbeats take turns (an advisory lock that ends with the transaction): an agent's next heartbeat may be
 * read by another instance, and how many agents there are must be known when a new one comes. All that the heartbeats name is
 * loaded at once, changed in memory in the order given, and written at once.
 */
import type { SQL } from "bun";
import { type HeardBeat, hasCaughtUp, hear, type KnownAgent, type PastOutage } from "../../../fleet/presence.ts";
import { agentsMax, forgottenAfterMs, type HearResult, outagesMax } from "../../fleet-port.ts";
import { byteas, bytes, int8s, textOf, texts } from "../values.ts";
import { json, laneBeatsOf, missedOf, presenceOf } from "./rows.ts";

/** Of all advisory locks of the database, the one of heartbeats: "TGfl". */
export const fleetLock = 0x5447666c;

interface OpenOutage {
  readonly id: number;
  readonly agent: Buffer;
  readonly missed: Buffer;
}

interface NewOutage extends PastOutage {
  readonly agent: string;
  caughtUpMs: number | undefined;
}

/** Keeps the newest of each agent. */
export async function hearBeats(sql: SQL, beats: readonly HeardBeat[], nowMs: number): Promise<HearResult> {
  await sql`select pg_advisory_xact_lock(${fleetLock})`;
  const book = await loadBook(sql, beats, nowMs);
  const result = { kept: 0, older: 0, tooMany: 0 };
  for (const beat of beats) result[book.hear(beat)]++;
  await book.write(sql);
  return result;
}

/** As if it had never said a word. */
export async function forgetAgent(sql: SQL, agent: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(${fleetLock})`;
  await dropAgents(sql, [agent]);
}

async function loadBook(sql: SQL, beats: readonly HeardBeat[], nowMs: number): Promise<FleetBook> {
  const named = [...new Set(beats.map(({ beat }) => beat.agent))].map(bytes);
  const rows = await sql<{ agent: Buffer; presence: Buffer; lanes: Buffer }[]>`
    select agent, presence, lanes from agent where agent = any(${byteas(sql, named)})`;
  const open = await sql<OpenOutage[]>`
    select id::float8 as id, agent, missed from outage where caught_up_at is null and agent = any(${byteas(sql, named)})`;
  const [sum] = await sql<{ agents: number }[]>`select count(*)::int as agents from agent`;
  const agents = sum?.agents ?? 0;
  const fresh = named.length - rows.length;
  const silent =
    agents + fresh <= agentsMax
      ? []
      : await sql<{ agent: Buffer }[]>`
    select agent from agent where heard_at <= ${nowMs - forgottenAfterMs} and not agent = any(${byteas(sql, named)})
    order by heard_at limit ${fresh}`;
  const known = rows.map(({ agent, presence, lanes }): [string, KnownAgent] => [
    textOf(agent),
    { presence: presenceOf(presence), lanes: laneBeatsOf(lanes) },
  ]);
  return new FleetBook(new Map(known), open, { agents, silent: silent.map(({ agent }) => textOf(agent)) });
}

/** What is known of those that a call names, and what changes of it. */
class FleetBook {
  private readonly changed = new Set<string>();
  private readonly open = new Map<string, OpenOutage[]>();
  private readonly caughtUp = new Map<OpenOutage, number>();
  private readonly outages: NewOutage[] = [];
  private readonly gone: string[] = [];
  private readonly silent: string[];
  private agents: number;

  constructor(
    private readonly known: Map<string, KnownAgent>,
    open: readonly OpenOutage[],
    room: { readonly agents: number; readonly silent: readonly string[] },
  ) {
    for (const outage of open) {
      const agent = textOf(outage.agent);
      const own = this.open.get(agent);
      if (own === undefined) this.open.set(agent, [outage]);
      else own.push(outage);
    }
    this.agents = room.agents;
    this.silent = [...room.silent];
  }

  hear(beat: HeardBeat): keyof HearResult {
    const { agent } = beat.beat;
    const known = this.known.get(agent);
    if (known === undefined && !this.hasRoom()) return "tooMany";
    const heard = hear(known, beat);
    if (heard === undefined) return "older";
    const { presence, lanes, outages } = heard;
    const { heardMs } = presence;
    if (known === undefined) this.agents++;
    this.known.set(agent, { presence, lanes });
    this.changed.add(agent);
    for (const outage of this.open.get(agent) ?? []) {
      if (!this.caughtUp.has(outage) && hasCaughtUp(missedOf(outage.missed), lanes)) this.caughtUp.set(outage, heardMs);
    }
    for (const outage of this.outages) {
      if (outage.agent !== agent || outage.caughtUpMs !== undefined) continue;
      if (hasCaughtUp(outage.missed, lanes)) outage.caughtUpMs = heardMs;
    }
    for (const outage of outages) {
      const { missed, toMs } = outage;
      const caughtUpMs = hasCaughtUp(missed, lanes) ? Math.max(toMs, missed.length === 0 ? toMs : heardMs) : undefined;
      this.outages.push({ ...outage, agent, caughtUpMs });
    }
    return "kept";
  }

  async write(sql: SQL): Promise<void> {
    if (this.gone.length > 0) await dropAgents(sql, this.gone);
    await this.writeAgents(sql);
    if (this.caughtUp.size > 0) {
      const [ids, times] = [[...this.caughtUp.keys()].map(({ id }) => id), [...this.caughtUp.values()]];
      await sql`
        update outage o set caught_up_at = n.at from unnest(${int8s(sql, ids)}, ${int8s(sql, times)}) as n (id, at)
        where o.id = n.id`;
    }
    await this.writeOutages(sql);
  }

  /** A new name finds room, or takes that of one who has been silent for a month. */
  private hasRoom(): boolean {
    if (this.agents < agentsMax) return true;
    const longest = this.silent.shift();
    if (longest === undefined) return false;
    this.gone.push(longest);
    this.agents--;
    return true;
  }

  private async writeAgents(sql: SQL): Promise<void> {
    const rows = [...this.changed].flatMap((agent) => {
      const own = this.known.get(agent);
      return own === undefined ? [] : [{ agent, ...own }];
    });
    if (rows.length === 0) return;
    const names = rows.map(({ agent }) => bytes(agent));
    const heard = rows.map(({ presence }) => presence.heardMs);
    const unsent = rows.map(({ lanes }) => oldestUnsent(lanes));
    const presences = rows.map(({ presence }) => json(presence));
    const lanes = rows.map((row) => json(row.lanes));
    await sql`
      insert into agent (agent, heard_at, oldest_unsent, presence, lanes)
      select * from unnest(${byteas(sql, names)}, ${int8s(sql, heard)}, ${int8s(sql, unsent)}, ${byteas(sql, presences)},
        ${byteas(sql, lanes)})
      on conflict (agent) do update set heard_at = excluded.heard_at, oldest_unsent = excluded.oldest_unsent,
        presence = excluded.presence, lanes = excluded.lanes`;
  }

  private async writeOutages(sql: SQL): Promise<void> {
    const rows = this.outages;
    if (rows.length === 0) return;
    const agents = rows.map(({ agent }) => bytes(agent));
    const kinds = rows.map(({ kind }) => kind);
    const numbers = (of: (row: NewOutage) => number | undefined) =>
      int8s(
        sql,
        rows.map((row) => of(row) ?? null),
      );
    const missed = rows.map((row) => json(row.missed));
    const losses = rows.map((row) => json(row.losses));
    await sql`
      insert into outage (agent, kind, from_at, to_at, caught_up_at, missed, missed_cut, losses)
      select agent, kind, from_at, to_at, caught_up_at, missed, missed_cut, losses
      from unnest(${byteas(sql, agents)}, ${texts(sql, kinds)}, ${numbers(({ fromMs }) => fromMs)}, ${numbers(({ toMs }) => toMs)},
        ${numbers(({ caughtUpMs }) => caughtUpMs)}, ${byteas(sql, missed)}, ${numbers(({ missedCut }) => missedCut)},
        ${byteas(sql, losses)})
        with ordinality as n (agent, kind, from_at, to_at, caught_up_at, missed, missed_cut, losses, at) order by at`;
    await sql`
      delete from outage where id in (
        select id from (
          select id, row_number() over (partition by agent order by id desc) as place from outage
          where agent = any(${byteas(sql, agents)})
        ) o where place > ${outagesMax})`;
  }
}

function oldestUnsent(lanes: KnownAgent["lanes"]): number | null {
  const times = lanes.flatMap(({ unsentMs }) => unsentMs ?? []);
  return times.length === 0 ? null : Math.min(...times);
}

async function dropAgents(sql: SQL, agents: readonly string[]): Promise<void> {
  const names = byteas(sql, agents.map(bytes));
  await sql`delete from agent where agent = any(${names})`;
  await sql`delete from outage where agent = any(${names})`;
}
