/** MySQL and MariaDB. Every value is asked for as text, because the client would round times and long numbers; see DESIGN.md. */
import { z } from "zod";
import { sleep } from "../../../shared/async/sleep.ts";
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
import { limits } from "../../core/limits.ts";
import type { ServerAddress } from "./address.ts";
import { codes, unfit } from "./codes.ts";
import type { Config } from "./config.ts";
import { type Cell, cellBytesMax, jsonRow, plainText } from "./json-row.ts";
import { type Column, columnsOf, literal, quoted, tableName } from "./mysql-columns.ts";
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

const numbers = ["tinyint", "smallint", "mediumint", "int", "bigint", "decimal"];
const times = ["datetime", "timestamp", "date"];
/** InnoDB shows its transactions from a copy that may be 100 ms old. */
const copyMs = 150;
const utc = "+00:00";

const Key = z.object({ at: z.string(), tie: z.string(), size: z.coerce.number() });
const Numbers = z.object({ unplaced: z.coerce.number(), ahead: z.coerce.number() });
const Flag = z.object({ flag: z.coerce.number().nullable() });
const Open = z.object({ id: z.string(), who: z.string() });

export class MysqlSession implements DatabaseSession {
  private columns: readonly Column[] = [];

  private constructor(
    private readonly connection: ServerConnection,
    private readonly options: SessionOptions,
    private readonly isMaria: boolean,
  ) {}

  static async open(address: ServerAddress, options: SessionOptions): Promise<MysqlSession> {
    const { config, signal } = options;
    const connection = await ServerConnection.open(address, config, signal);
    const ask = async (text: string) => await connection.ask("set up the session", text);
    try {
      if (
        config.tls !== undefined &&
        String((await ask("show session status like 'Ssl_cipher'"))[0]?.Value ?? "") === ""
      ) {
        throw new AppError(codes.EDGE_DATABASE_REFUSED, "connect to the database: the server does not encrypt");
      }
      const version = String((await ask("select version() as version"))[0]?.version);
      const isMaria = version.includes("MariaDB");
      const seconds = Math.max(1, Math.ceil(config.timeout / 1_000));
      await ask("set session transaction read only");
      await ask(`set names utf8mb4`);
      await ask(
        `set time_zone = '${utc}', sql_mode = '', lock_wait_timeout = ${seconds}, ${isMaria ? `max_statement_time = ${config.timeout / 1_000}` : `max_execution_time = ${config.timeout}`}`,
      );
      return new MysqlSession(connection, options, isMaria);
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async prepare(): Promise<void> {
    const { table = "", trackingColumn, tieColumn, openTransactions, timeZone } = this.config;
    const { columns, alone, isTable } = await columnsOf(this.connection, table, trackingColumn);
    this.columns = columns;
    const at = this.column(trackingColumn);
    if (![...numbers, ...times].includes(at.type)) {
      throw unfit(`trackingColumn: ${trackingColumn} is ${at.type}, which does not grow`);
    }
    if (tieColumn !== undefined) {
      const { type } = this.column(tieColumn);
      if (![...numbers, ...times].includes(type)) throw unfit(`tieColumn: ${tieColumn} is ${type}, which has no order`);
    } else if (!alone && (isTable || times.includes(at.type))) {
      throw unfit(
        `tieColumn: ${trackingColumn} has no unique index, so rows may share a value: name a column that tells them apart`,
      );
    }
    for (const name of [...(this.config.columns ?? []), this.config.keyColumn])
      if (name !== undefined) this.column(name);
    const zone = (await this.connection.ask("look at the time zone", `select ${this.now} is not null as flag`))[0];
    if (Flag.parse(zone).flag !== 1)
      throw unfit(`timeZone: the server does not know ${timeZone}: write one like +01:00`);
    if (openTransactions !== "ignore") await this.mayLook();
  }

  async top(after: Position | undefined): Promise<Position | undefined> {
    const order = this.order(" desc");
    const text = `select ${this.named}, 0 as size from ${this.from} where ${this.readable(after)} order by ${order} limit 1`;
    const found = (await this.connection.ask(`look for new rows of ${this.config.table}`, text))[0];
    if (found === undefined) return undefined;
    const { at, tie } = Key.parse(found);
    return { at, tie };
  }

  async openTransactions(): Promise<readonly OpenTransaction[]> {
    await sleep(copyMs, this.options.signal);
    // One that has written nothing yet is given its values later. What runs now may have been given one.
    const written =
      "and (trx_rows_modified > 0 or trx_lock_structs > 0 or trx_state <> 'RUNNING' or trx_query is not null)";
    const transactions = `select concat('t', trx_mysql_thread_id, '/', trx_started) as id, cast(trx_mysql_thread_id as char) as who
      from information_schema.innodb_trx where trx_mysql_thread_id <> connection_id()
        ${this.config.openTransactions === "wait_all" ? "" : written}`;
    // A statement takes its value a moment before it begins its transaction.
    const statements = `select concat('q', query_id) as id, cast(id as char) as who
      from information_schema.processlist where command in ('Query', 'Execute') and id <> connection_id()`;
    const doing = "look for open transactions";
    // In this order: a statement that ends in between leaves its transaction behind, which is then seen.
    const running = this.isMaria ? await this.connection.ask(doing, statements) : [];
    return [...running, ...(await this.connection.ask(doing, transactions))].map((row) => Open.parse(row));
  }

  async page(after: Position | undefined, top: Position): Promise<readonly Row[]> {
    const { table, rowsMax, keyColumn } = this.config;
    const asked = this.config.columns?.map((name) => this.column(name)) ?? this.columns;
    const size = asked.map(({ name }) => `coalesce(length(${quoted(name)}), 0)`).join(" + ");
    const between = (end: Position) =>
      `from ${this.from} where ${this.readable(after)} and ${this.beyond("<", end)} order by ${this.order("")}`;
    const keys = await this.connection.ask(
      `read ${table}`,
      `select ${this.named}, ${size} as size ${between(top)} limit ${rowsMax}`,
    );
    const end = lastOfPage(keys.map((key) => Key.parse(key)));
    if (end === undefined) return [];
    const all = keyColumn === undefined ? asked : [...asked, this.column(keyColumn)];
    const values = all.map(({ text }, index) => `${text} as v${index}`).join(", ");
    const ms = this.isTime
      ? `cast(floor(timestampdiff(microsecond, '1970-01-01', ${this.at}) / 1000) as char)`
      : "null";
    const rows = await this.connection.ask(
      `read ${table}`,
      `select ${this.named}, ${size} as size, ${ms} as ms, ${values} ${between(end)} limit ${rowsMax}`,
    );
    const names = asked.map(({ name }) => JSON.stringify(name));
    return rows.map((cells) => rowOf(cells, { columns: all, names, hasKey: keyColumn !== undefined }));
  }

  async count(after: Position | undefined, top: Position): Promise<number | undefined> {
    const text = `select count(*) as flag from ${this.from} where ${this.readable(after)} and ${this.beyond("<", top)}`;
    try {
      return Flag.parse((await this.connection.ask("count rows", text))[0]).flag ?? undefined;
    } catch {
      return undefined; // See `unread`.
    }
  }

  async unread(): Promise<Unread | undefined> {
    const { trackingColumn, tieColumn } = this.config;
    const nullable = [trackingColumn, tieColumn].filter((name) => name !== undefined && this.column(name).isNullable);
    const count = (condition: string) =>
      `(select count(*) from (select 1 from ${this.from} where ${condition} limit ${countedMax}) x)`;
    const missing = nullable.map((name) => `${quoted(name ?? "")} is null`).join(" or ");
    const unplaced = missing === "" ? "0" : count(missing);
    const ahead = this.isTime ? count(`${this.at} > ${this.now}`) : "0";
    try {
      const text = `select ${unplaced} as unplaced, ${ahead} as ahead`;
      return Numbers.parse((await this.connection.ask("count the rows that are not read", text))[0]);
    } catch {
      return undefined; // Without an index it may take too long; a connection that broke is noticed by the next question.
    }
  }

  async isBehind(position: Position): Promise<boolean> {
    const text = `select max(${this.at}) < ${literal(position.at)} as flag from ${this.from}`;
    return Flag.parse((await this.connection.ask(`look at ${this.config.table}`, text))[0]).flag === 1;
  }

  async close(): Promise<void> {
    await this.connection.close();
  }

  private get config(): Config {
    return this.options.config;
  }

  /** A replica knows only what was committed elsewhere; so does a node of a cluster, of the other nodes. */
  private async mayLook(): Promise<void> {
    const about = "select @@global.read_only as flag";
    const isReplica = Flag.parse((await this.connection.ask("look at the server", about))[0]).flag === 1;
    const nodes = (await this.connection.ask("look at the server", "show status like 'wsrep_cluster_size'"))[0]?.Value;
    if (isReplica || Number(nodes ?? 0) > 1) {
      throw unfit(
        "openTransactions: a replica (read_only) or a node of a cluster does not know whose transactions are open elsewhere: read the primary, or write ignore",
      );
    }
    try {
      await this.connection.ask("look for open transactions", "select count(*) from information_schema.innodb_trx");
    } catch (error) {
      if (!hasCode(error, codes.EDGE_DATABASE_UNFIT)) throw error;
      throw unfit(
        "openTransactions: this user may not see whose transactions are open: GRANT PROCESS ON *.* to it, or write ignore",
      );
    }
  }

  private column(name: string): Column {
    const found = this.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
    if (found === undefined) throw unfit(`there is no column ${name} in ${this.config.table}`);
    return found;
  }

  private get from(): string {
    return tableName(this.config.table ?? "");
  }

  private get at(): string {
    return quoted(this.config.trackingColumn);
  }

  private get tie(): string | undefined {
    const { tieColumn } = this.config;
    return tieColumn === undefined ? undefined : quoted(tieColumn);
  }

  private get named(): string {
    const { at, tie } = this;
    return `cast(${at} as char) as at, ${tie === undefined ? "''" : `cast(${tie} as char)`} as tie`;
  }

  private get isTime(): boolean {
    return times.includes(this.column(this.config.trackingColumn).type);
  }

  private get now(): string {
    const { settle, timeZone, trackingColumn } = this.config;
    const settled = `(now(6) - interval ${settle * 1_000} microsecond)`;
    const zone = this.column(trackingColumn).type === "timestamp" || timeZone === "UTC" ? utc : timeZone;
    return zone === utc ? settled : `convert_tz(${settled}, '${utc}', ${literal(zone)})`;
  }

  private order(direction: string): string {
    return [this.at, ...(this.tie === undefined ? [] : [this.tie])].map((column) => `${column}${direction}`).join(", ");
  }

  private readable(after: Position | undefined): string {
    const conditions = [`${this.at} is not null`];
    if (this.tie !== undefined) conditions.push(`${this.tie} is not null`);
    if (after !== undefined) conditions.push(this.beyond(">", after));
    if (this.isTime) conditions.push(`${this.at} <= ${this.now}`);
    return conditions.join(" and ");
  }

  /** Written out: an index is not used for a comparison of pairs. `<` includes the position itself. */
  private beyond(sign: "<" | ">", position: Position): string {
    const { at, tie } = this;
    const value = literal(position.at);
    const orSame = sign === "<" ? "=" : "";
    if (tie === undefined) return `${at} ${sign}${orSame} ${value}`;
    return `${at} ${sign}= ${value} and (${at} ${sign} ${value} or ${tie} ${sign}${orSame} ${literal(position.tie)})`;
  }
}

/** As many rows as one read may hold. */
function lastOfPage(keys: readonly z.output<typeof Key>[]): Position | undefined {
  let end: Position | undefined;
  let bytes = 0;
  for (const { at, tie, size } of keys) {
    bytes += Math.min(size, limits.lineBytesMax);
    if (end !== undefined && bytes > pageBytesMax) break;
    end = { at, tie };
  }
  return end;
}

interface Wanted {
  readonly columns: readonly Column[];
  /** Of those that the event has, as JSON. */
  readonly names: readonly string[];
  /** The last column is that of the key. */
  readonly hasKey: boolean;
}

function rowOf(found: Cells, { columns, names, hasKey }: Wanted): Row {
  const { at, tie, size } = Key.parse(found);
  const cells = columns.map((column, index) => cellOf(column, found[`v${index}`]));
  const body = jsonRow(names, cells.slice(0, names.length));
  const position = { at, tie };
  const key = hasKey ? cells.at(-1) : undefined;
  return {
    body,
    bytes: body.length === limits.lineBytesMax ? body.length + Math.max(1, size - cellBytesMax) : body.length,
    position,
    key: key === undefined ? undefined : plainText(key),
    timeMs: typeof found.ms === "string" ? Number(found.ms) : undefined,
  };
}

function cellOf({ name, cell }: Column, value: unknown): Cell {
  if (value === null || value === undefined) return { kind: "null" };
  if (cell === "bytes" && value instanceof Uint8Array) return { kind: "bytes", bytes: value };
  if (typeof value !== "string") throw unfit(`the value of ${name} came as ${typeof value}`);
  return cell === "raw" ? { kind: "raw", text: value } : { kind: "text", bytes: Buffer.from(value) };
}
