/** PostgreSQL. The server writes the JSON, compares the positions and bounds the bytes; see DESIGN.md. */
import { z } from "zod";
import { limits } from "../../core/limits.ts";
import type { ServerAddress } from "./address.ts";
import { unfit } from "./codes.ts";
import type { Config } from "./config.ts";
import type { Position } from "./position.ts";
import { type Cells, ServerConnection } from "./server-connection.ts";
import {
  countedMax,
  type DatabaseSession,
  type OpenTransaction,
  pageBytesMax,
  type Row,
  type SessionOptions,
  type Unread,
} from "./session.ts";
import { quoted, tableName } from "./sql-names.ts";

/** Types whose order says what is new. Of these, the server gives out integers inside the statement that inserts. */
const integers = ["smallint", "integer", "bigint"];
const times = ["timestamp with time zone", "timestamp without time zone", "date"];
const others = ["numeric", "uuid", "text", "character varying", "xid8"];

/** What is read, in our questions; a name that no column has. */
const alias = "tailgate_row";

const PageRow = z.object({
  body: z.instanceof(Uint8Array),
  bytes: z.number(),
  at: z.string(),
  tie: z.string(),
  key: z.string().nullable(),
  ms: z.string().nullable(),
});
const Named = z.object({ at: z.string(), tie: z.string() });
const Columns = z.object({ at: z.string(), tie: z.string().nullable(), standby: z.boolean(), encoding: z.string() });
const Catalog = z.object({
  kind: z.string().nullable(),
  notnull: z.boolean(),
  alone: z.boolean(),
  cache: z.string(),
});
const Counts = z.object({ unplaced: z.string(), ahead: z.string() });
const Counted = z.object({ rows: z.string() });
const Open = z.object({ id: z.string(), who: z.string() });
const Largest = z.object({ behind: z.boolean() });

/** What is known of the columns once the server was asked. */
interface Shape {
  readonly at: string;
  readonly tie: string | undefined;
  /** The table was found by its name, and is one: it can be locked. */
  readonly isTable: boolean;
  readonly neverNull: boolean;
  /** In which rows are sent. A database without an encoding has bytes that are in none. */
  readonly encoding: string;
}

export class PostgresSession implements DatabaseSession {
  private shape: Shape = { at: "", tie: undefined, isTable: false, neverNull: false, encoding: "UTF8" };

  private constructor(
    private readonly connection: ServerConnection,
    private readonly config: Config,
  ) {}

  static async open(address: ServerAddress, options: SessionOptions): Promise<PostgresSession> {
    const { config, signal, applicationName } = options;
    const connection = await ServerConnection.open(address, config, signal);
    try {
      const settings = {
        application_name: applicationName,
        TimeZone: "UTC",
        DateStyle: "ISO",
        client_encoding: "UTF8",
        jit: "off",
        default_transaction_read_only: "on",
        statement_timeout: String(config.timeout),
        lock_timeout: String(config.timeout),
      };
      const words = Object.entries(settings).map(([name, value]) => `set_config('${name}', ${literal(value)}, false)`);
      await connection.ask("set up the session", `select ${words.join(", ")}`);
      return new PostgresSession(connection, config);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async prepare(): Promise<void> {
    const { trackingColumn, tieColumn, openTransactions } = this.config;
    const type = (column: string | undefined) =>
      column === undefined ? "null::text" : `pg_typeof((select ${quoted(column)} from ${this.from} limit 1))::text`;
    const about = `select ${type(trackingColumn)} as at, ${type(tieColumn)} as tie, pg_is_in_recovery() as standby,
      current_setting('server_encoding') as encoding`;
    const { at, tie, standby, encoding } = Columns.parse((await this.connection.ask("look at the columns", about))[0]);
    const known = [...integers, ...times, ...others];
    if (!known.includes(at)) throw unfit(`trackingColumn: ${trackingColumn} is ${at}, which does not grow`);
    if (tie !== null && !known.includes(tie)) throw unfit(`tieColumn: ${tieColumn} is ${tie}, which has no order`);
    if (standby && openTransactions !== "ignore") {
      throw unfit(
        "openTransactions: a standby does not know whose transactions are open: read the primary, or write ignore",
      );
    }
    const catalog = await this.catalog();
    if (tieColumn === undefined && !catalog.alone && (catalog.isTable || times.includes(at))) {
      throw unfit(
        `tieColumn: ${trackingColumn} has no unique index, so rows may share a value: name a column that tells them apart`,
      );
    }
    if (catalog.cache > 1 && openTransactions !== "ignore") {
      throw unfit(
        `trackingColumn: its sequence gives out ${catalog.cache} numbers in advance (cache), so they do not grow in time: ALTER SEQUENCE … CACHE 1, or write openTransactions: ignore`,
      );
    }
    if (catalog.isTable) await this.readByIndex();
    this.shape = {
      at,
      tie: tie ?? undefined,
      isTable: catalog.isTable,
      neverNull: catalog.notnull,
      encoding: encoding === "SQL_ASCII" ? encoding : "UTF8",
    };
  }

  async top(after: Position | undefined): Promise<Position | undefined> {
    const { connection, config } = this;
    const order = this.columns.map((column) => `${alias}.${column} desc`).join(", ");
    const text = `select ${this.named} from ${this.from} where ${this.readable(after)} order by ${order} limit 1`;
    const found = (await connection.ask(`look for new rows of ${what(config)}`, text, this.values(after)))[0];
    return found === undefined ? undefined : Named.parse(found);
  }

  async openTransactions(): Promise<readonly OpenTransaction[]> {
    const { connection, shape, config } = this;
    const who = "coalesce(l.pid::text, 'prepared') as who";
    const own = "l.pid is distinct from pg_backend_pid()";
    // An integer is given out by a statement that has locked its table before, and keeps the lock until its transaction ends.
    // Of a partitioned table it is first locked as a whole: so parents count too.
    const writers = `with recursive tables as (
        select ${literal(tableName(config.table ?? ""))}::regclass::oid as id
        union select case tables.id when i.inhparent then i.inhrelid else i.inhparent end
          from pg_inherits i join tables on tables.id in (i.inhparent, i.inhrelid))
      select distinct l.virtualtransaction as id, ${who} from pg_locks l
      where l.locktype = 'relation' and l.granted and ${own}
        and l.database = (select oid from pg_database where datname = current_database())
        and l.relation in (select id from tables)
        and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')`;
    // A time, for example, is that of the transaction's beginning: it may not have touched the table yet.
    const all = `select l.virtualtransaction as id, ${who} from pg_locks l left join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'virtualxid' and ${own} and a.datid = (select oid from pg_database where datname = current_database())
        and l.pid not in (select pid from pg_stat_progress_vacuum)
      union select transaction::text, gid from pg_prepared_xacts where database = current_database()`;
    const isNarrow = config.openTransactions === "wait" && shape.isTable && integers.includes(shape.at);
    const open = await connection.ask("look for open transactions", isNarrow ? writers : all);
    return open.map((row) => Open.parse(row));
  }

  async page(after: Position | undefined, top: Position): Promise<readonly Row[]> {
    const { connection, config } = this;
    const { rowsMax, keyColumn, columns, trackingColumn } = config;
    const names = this.columns;
    const order = names.map((column) => `${alias}.${column}`).join(", ");
    const row =
      columns === undefined
        ? alias
        : `(select tailgate_part from (select ${columns.map((c) => `${alias}.${quoted(c)}`).join(", ")}) tailgate_part)`;
    const key = keyColumn === undefined ? "null::text" : `${alias}.${quoted(keyColumn)}::text`;
    const ms = this.isTime
      ? `trunc(extract(epoch from ${alias}.${quoted(trackingColumn)}) * 1000)::bigint::text`
      : "null::text";
    const upTo = this.beyond("<", after === undefined ? 1 : names.length + 1);
    const text = `select substr(b, 1, ${limits.lineBytesMax}) as body, bytes, at, tie, key, ms from (
        select *, sum(least(bytes, ${limits.lineBytesMax})) over (order by n) as total from (
          select row_number() over () as n, octet_length(b) as bytes, * from (
            select convert_to(row_to_json(${row})::text, '${this.shape.encoding}') as b, ${this.named}, ${key} as key, ${ms} as ms
            from ${this.from} where ${this.readable(after)} and ${upTo} order by ${order} limit ${rowsMax}
          ) found
        ) numbered
      ) measured where n = 1 or total <= ${pageBytesMax} order by n`;
    const rows = await connection.ask(`read ${what(config)}`, text, [...this.values(after), ...this.values(top)]);
    return rows.map(rowOf);
  }

  async count(after: Position | undefined, top: Position): Promise<number | undefined> {
    const between = `${this.readable(after)} and ${this.beyond("<", after === undefined ? 1 : this.columns.length + 1)}`;
    const text = `select count(*)::text as rows from ${this.from} where ${between}`;
    const values = [...this.values(after), ...this.values(top)];
    try {
      return Number(Counted.parse((await this.connection.ask("count rows", text, values))[0]).rows);
    } catch {
      return undefined; // See `unread`.
    }
  }

  async unread(): Promise<Unread | undefined> {
    const { shape, connection } = this;
    const missing = this.columns.map((column) => `${alias}.${column} is null`).join(" or ");
    const count = (condition: string) =>
      `(select count(*)::text from (select 1 from ${this.from} where ${condition} limit ${countedMax}) x)`;
    const unplaced = shape.neverNull && !this.mayBeEndless ? "'0'" : count(`${missing}${this.endless("or not")}`);
    const ahead = this.isTime ? count(`${alias}.${this.columns[0]} > ${this.now}${this.endless("and")}`) : "'0'";
    try {
      const rows = await connection.ask(
        "count the rows that are not read",
        `select ${unplaced} as unplaced, ${ahead} as ahead`,
      );
      const counts = Counts.parse(rows[0]);
      return { unplaced: Number(counts.unplaced), ahead: Number(counts.ahead) };
    } catch {
      return undefined; // Without an index it may take too long; a connection that broke is noticed by the next question.
    }
  }

  async isBehind(position: Position): Promise<boolean> {
    const { connection, config } = this;
    const column = this.columns[0] ?? "";
    const text = `select max_at < (($1::text)::${this.shape.at}) as behind from (
      select ${alias}.${column} as max_at from ${this.from} where ${alias}.${column} is not null order by ${alias}.${column} desc limit 1) largest`;
    const found = (await connection.ask(`look at ${what(config)}`, text, [position.at]))[0];
    return found !== undefined && Largest.parse(found).behind;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  /** A page is the next rows of an index. Of a table that was never analysed the planner may believe that sorting all the rest is cheaper. */
  private async readByIndex(): Promise<void> {
    const ways = ["enable_seqscan", "enable_bitmapscan", "enable_sort"];
    const words = ways.map((way) => `set_config('${way}', 'off', false)`).join(", ");
    await this.connection.ask("set up the session", `select ${words}`);
  }

  private async catalog(): Promise<{ isTable: boolean; notnull: boolean; alone: boolean; cache: number }> {
    const { table, trackingColumn, tieColumn } = this.config;
    if (table === undefined) return { isTable: false, notnull: false, alone: false, cache: 1 };
    const columns = [trackingColumn, ...(tieColumn === undefined ? [] : [tieColumn])].map(literal).join(", ");
    const text = `select c.relkind::text as kind,
        coalesce((select bool_and(a.attnotnull) from pg_attribute a where a.attrelid = c.oid and a.attname in (${columns})), false) as notnull,
        exists(select 1 from pg_index i join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
          where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indnkeyatts = 1 and i.indpred is null
            and a.attname = ${literal(trackingColumn)}) as alone,
        coalesce((select max(q.seqcache) from pg_sequence q
          join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = q.seqrelid and d.deptype in ('a', 'i')
          join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
          where d.refobjid = c.oid and a.attname = ${literal(trackingColumn)}), 1)::text as cache
      from pg_class c where c.oid = ${literal(tableName(table))}::regclass`;
    const { kind, notnull, alone, cache } = Catalog.parse((await this.connection.ask(`look at ${table}`, text))[0]);
    return { isTable: kind === "r" || kind === "p", notnull, alone, cache: Number(cache) };
  }

  private get from(): string {
    const { table, query } = this.config;
    // A comment at the query's end must not swallow what follows.
    const source = table === undefined ? `(${(query ?? "").replace(/[\s;]+$/, "")}\n)` : tableName(table);
    return `${source} ${alias}`;
  }

  /** The tracking column and the tie column, quoted. */
  private get columns(): readonly string[] {
    const { trackingColumn, tieColumn } = this.config;
    return [trackingColumn, ...(tieColumn === undefined ? [] : [tieColumn])].map(quoted);
  }

  private get named(): string {
    const [at, tie] = this.columns;
    return `${alias}.${at}::text as at, ${tie === undefined ? "''" : `${alias}.${tie}::text`} as tie`;
  }

  private get isTime(): boolean {
    return times.includes(this.shape.at);
  }

  /** It has values that are behind all others for ever: a position of such a row would hide every row that comes. */
  private get mayBeEndless(): boolean {
    return this.isTime || this.shape.at === "numeric";
  }

  private endless(joined: string): string {
    if (!this.mayBeEndless) return "";
    const column = `${alias}.${this.columns[0]}`;
    const finite = this.isTime ? `isfinite(${column})` : `${column}::text not in ('NaN', 'Infinity', '-Infinity')`;
    return ` ${joined} ${finite}`;
  }

  private get now(): string {
    const { settle, timeZone } = this.config;
    const settled = `(now() - interval '${settle} milliseconds')`;
    return this.shape.at === "timestamp with time zone"
      ? settled
      : `(${settled} at time zone ${literal(timeZone)})::${this.shape.at}`;
  }

  /** What may be read now behind a position; it has an order, and is not in the future. */
  private readable(after: Position | undefined): string {
    const conditions = this.columns.map((column) => `${alias}.${column} is not null`);
    if (after !== undefined) conditions.push(this.beyond(">", 1));
    if (this.isTime) conditions.push(`${alias}.${this.columns[0]} <= ${this.now}`);
    return `${conditions.join(" and ")}${this.endless("and")}`;
  }

  /** Written out, because then an index of the first column is used by every server. `<` includes the position itself. */
  private beyond(sign: "<" | ">", from: number): string {
    const [at, tie] = this.columns;
    const atValue = `(($${from}::text)::${this.shape.at})`;
    const orSame = sign === "<" ? "=" : "";
    if (tie === undefined) return `${alias}.${at} ${sign}${orSame} ${atValue}`;
    const tieValue = `(($${from + 1}::text)::${this.shape.tie})`;
    return `${alias}.${at} ${sign}= ${atValue} and (${alias}.${at} ${sign} ${atValue} or ${alias}.${tie} ${sign}${orSame} ${tieValue})`;
  }

  private values(position: Position | undefined): readonly string[] {
    if (position === undefined) return [];
    return this.config.tieColumn === undefined ? [position.at] : [position.at, position.tie];
  }
}

function rowOf(cells: Cells): Row {
  const { body, bytes, at, tie, key, ms } = PageRow.parse(cells);
  return {
    body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
    bytes,
    position: { at, tie },
    key: key ?? undefined,
    timeMs: ms === null ? undefined : Number(ms),
  };
}

function what({ table }: Config): string {
  return table ?? "the query";
}

function literal(text: string): string {
  return text.includes("\\")
    ? `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`
    : `'${text.replaceAll("'", "''")}'`;
}
