/** SQLite. It has one writer at a time, so what is committed later stands behind: nobody is waited for. */
import type { Database } from "bun:sqlite";
import { z } from "zod";
import { limits } from "../../core/limits.ts";
import { unfit } from "./codes.ts";
import type { Config } from "./config.ts";
import { type Cell, cellBytesMax, jsonRow, plainText } from "./json-row.ts";
import type { Position } from "./position.ts";
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
import { SqliteFile } from "./sqlite-file.ts";

const alias = "tailgate_row";
const Cells = z.record(z.string(), z.unknown());
type Found = z.output<typeof Cells>;
const Named = z.object({
  kind: z.enum(["integer", "text"]),
  at: z.instanceof(Uint8Array),
  tie: z.instanceof(Uint8Array).nullable(),
});
const Counted = z.object({ count: z.number() });
const Plan = z.object({ detail: z.string() });
const Info = z.object({ name: z.string(), type: z.string(), pk: z.number(), notnull: z.number() });
const Alone = z.object({ alone: z.number() });

/** The classes of values in SQLite that may be a position: they must not be mixed, because every text stands behind every integer. */
type Kind = "integer" | "text";

export class SqliteSession implements DatabaseSession {
  private readonly file: SqliteFile;
  private readonly config: Config;
  private declared: Kind | undefined;

  constructor(path: string, { config, dataDir, signal }: SessionOptions) {
    this.config = config;
    this.file = new SqliteFile(path, { timeoutMs: config.timeout, dataDir, signal });
  }

  async prepare(): Promise<void> {
    await this.file.look("look at the columns", (database) => {
      const { table, trackingColumn, tieColumn } = this.config;
      const names = namesOf(database, `select * from ${this.from} limit 0`);
      for (const column of [trackingColumn, tieColumn]) {
        // SQLite takes a quoted name that it does not know as a text.
        if (column !== undefined && !names.some((name) => name.toLowerCase() === column.toLowerCase())) {
          throw unfit(`there is no column ${column}`);
        }
      }
      this.declared = this.declaredKind(database);
      const plan = database.prepare(`explain query plan select 1 from ${this.from} order by ${this.order("")}`);
      const details = plan.all().map((row) => Plan.parse(row).detail);
      plan.finalize();
      if (details.includes("USE TEMP B-TREE FOR ORDER BY")) {
        throw unfit(`trackingColumn: ${trackingColumn} has no index, so each look would sort everything: create one`);
      }
      if (tieColumn === undefined && table !== undefined && !this.isAlone(database)) {
        throw unfit(
          `tieColumn: ${trackingColumn} has no unique index, so rows may share a value: name a column that tells them apart`,
        );
      }
    });
  }

  async top(after: Position | undefined): Promise<Position | undefined> {
    return await this.file.look("look for new rows", (database) => {
      const kind = this.kindOf(database, after);
      if (kind === undefined) return undefined;
      const text = `select ${this.named} from ${this.from} where ${this.readable(kind, after)} order by ${this.order(" desc")} limit 1`;
      const found = first(database, text, this.values(after));
      return found === undefined ? undefined : positionOf(found);
    });
  }

  async openTransactions(): Promise<readonly OpenTransaction[]> {
    return [];
  }

  async page(after: Position | undefined, top: Position): Promise<readonly Row[]> {
    return await this.file.look("read", (database) => {
      const { rowsMax, keyColumn } = this.config;
      const names = this.config.columns ?? namesOf(database, `select * from ${this.from} limit 0`);
      const asked = keyColumn === undefined ? names : [...names, keyColumn];
      const cells = asked.map((name, index) => {
        const value = `${alias}.${quoted(name)}`;
        const bytes = `cast(${value} as blob)`;
        return `typeof(${value}) as k${index}, length(${bytes}) as l${index},
          case typeof(${value}) when 'real' then ${value} else substr(${bytes}, 1, ${cellBytesMax + 1}) end as v${index}`;
      });
      const text = `select ${this.named}, ${cells.join(", ")} from ${this.from}
        where ${this.readable(kindOfValue(top.at), after)} and ${this.beyond("<", top)} order by ${this.order("")} limit ${rowsMax}`;
      const statement = database.prepare(text);
      const written = names.map((name) => JSON.stringify(name));
      const rows: Row[] = [];
      let bytes = 0;
      try {
        for (const raw of statement.iterate(...this.values(after), ...this.values(top))) {
          const row = rowOf(raw, written, keyColumn !== undefined);
          if (rows.length > 0 && bytes + row.body.length > pageBytesMax) break;
          bytes += row.body.length;
          rows.push(row);
        }
      } finally {
        statement.finalize();
      }
      return rows;
    });
  }

  async count(after: Position | undefined, top: Position): Promise<number | undefined> {
    return await this.file.look("count rows", (database) => {
      const between = `${this.readable(kindOfValue(top.at), after)} and ${this.beyond("<", top)}`;
      const text = `select count(*) as count from ${this.from} where ${between}`;
      return Counted.parse(first(database, text, [...this.values(after), ...this.values(top)])).count;
    });
  }

  async unread(): Promise<Unread | undefined> {
    return await this.file.look("count the rows that are not read", (database) => {
      const kind = this.kindOf(database, undefined);
      const [at, tie] = this.columns;
      const others = [`typeof(${at}) <> '${kind ?? "integer"}'`];
      if (tie !== undefined) others.push(`typeof(${tie}) not in ('integer', 'text')`);
      const text = `select count(*) as count from (select 1 from ${this.from} where ${others.join(" or ")} limit ${countedMax})`;
      return { unplaced: Counted.parse(first(database, text, [])).count, ahead: 0 };
    });
  }

  async isBehind(position: Position): Promise<boolean> {
    return await this.file.look("look at the largest value", (database) => {
      const text = `select ${this.named} from ${this.from} where ${this.readable(kindOfValue(position.at), undefined)}`;
      const any = first(database, `${text} limit 1`, []);
      const reached = first(
        database,
        `${text} and ${this.columns[0]} >= ${valueText(position.at)} limit 1`,
        boundTexts([position.at]),
      );
      return any !== undefined && reached === undefined;
    });
  }

  async close(): Promise<void> {}

  private get from(): string {
    const { table, query } = this.config;
    const source = table === undefined ? `(${(query ?? "").replace(/[\s;]+$/, "")}\n)` : tableName(table);
    return `${source} as ${alias}`;
  }

  private get columns(): readonly string[] {
    const { trackingColumn, tieColumn } = this.config;
    return [trackingColumn, ...(tieColumn === undefined ? [] : [tieColumn])].map((name) => `${alias}.${quoted(name)}`);
  }

  private get named(): string {
    const [at, tie] = this.columns;
    const tieKind = tie === undefined ? "''" : `case typeof(${tie}) when 'text' then 't' else 'i' end`;
    const tieBytes = tie === undefined ? "null" : `cast(${tieKind} || ${tie} as blob)`;
    return `typeof(${at}) as kind, cast(${at} as blob) as at, ${tieBytes} as tie`;
  }

  private order(direction: string): string {
    return this.columns.map((column) => `${column}${direction}`).join(", ");
  }

  /** Only values of one class: a stray text would stand behind all integers, and a position there would hide every row that comes. */
  private readable(kind: Kind, after: Position | undefined): string {
    const [at, tie] = this.columns;
    const conditions = [`typeof(${at}) = '${kind}'`];
    if (tie !== undefined) conditions.push(`typeof(${tie}) in ('integer', 'text')`);
    if (after !== undefined) conditions.unshift(this.beyond(">", after));
    return conditions.join(" and ");
  }

  /** `<` includes the position itself. */
  private beyond(sign: "<" | ">", position: Position): string {
    const [at, tie] = this.columns;
    const value = valueText(position.at);
    const orSame = sign === "<" ? "=" : "";
    if (tie === undefined) return `${at} ${sign}${orSame} ${value}`;
    return `${at} ${sign}= ${value} and (${at} ${sign} ${value} or ${tie} ${sign}${orSame} ${valueText(position.tie)})`;
  }

  /** What `beyond` leaves to be bound. */
  private values(position: Position | undefined): readonly string[] {
    if (position === undefined) return [];
    if (this.config.tieColumn === undefined) return boundTexts([position.at]);
    return boundTexts([position.at, position.at, position.tie]);
  }

  private kindOf(database: Database, after: Position | undefined): Kind | undefined {
    if (after !== undefined) return kindOfValue(after.at);
    if (this.declared !== undefined) return this.declared;
    const [at] = this.columns;
    const text = `select ${this.named} from ${this.from} where typeof(${at}) in ('integer', 'text') limit 1`;
    const found = first(database, text, []);
    return found === undefined ? undefined : Named.parse(found).kind;
  }

  /** By SQLite's rules of affinity. Times are declared as they like, so their class is seen from a value. */
  private declaredKind(database: Database): Kind | undefined {
    const type = this.info(database)?.type.toUpperCase() ?? "";
    if (type.includes("INT")) return "integer";
    return /CHAR|CLOB|TEXT/.test(type) ? "text" : undefined;
  }

  private info(database: Database): z.output<typeof Info> | undefined {
    const { table, trackingColumn } = this.config;
    if (table === undefined) return undefined;
    const found = first(
      database,
      `select name, type, pk, "notnull" from pragma_table_info(?) where name = ? collate nocase`,
      [bareName(table), trackingColumn],
    );
    return found === undefined ? undefined : Info.parse(found);
  }

  private isAlone(database: Database): boolean {
    const { table, trackingColumn } = this.config;
    const text = `select (select count(*) from pragma_table_info(?1) where pk > 0) = 1
        and exists (select 1 from pragma_table_info(?1) where pk = 1 and name = ?2 collate nocase)
      or exists (select 1 from pragma_index_list(?1) l where l."unique" = 1 and l.partial = 0
        and (select group_concat(name, char(0)) from pragma_index_info(l.name)) = ?2 collate nocase)
      or not exists (select 1 from sqlite_schema where name = ?1 and type = 'table') as alone`;
    const found = first(database, text, [bareName(table ?? ""), trackingColumn]);
    return Alone.parse(found).alone === 1;
  }
}

function namesOf(database: Database, text: string): readonly string[] {
  const statement = database.prepare(text);
  const names = [...statement.columnNames];
  statement.finalize();
  return names;
}

function first(database: Database, text: string, values: readonly string[]): unknown {
  const statement = database.prepare(text);
  try {
    return statement.get(...values) ?? undefined;
  } finally {
    statement.finalize();
  }
}

function rowOf(raw: unknown, names: readonly string[], hasKey: boolean): Row {
  const found = Cells.parse(raw);
  const cells = names.map((_, index) => cellOf(found, index));
  const body = jsonRow(names, cells);
  let leftOut = 0;
  for (const index of names.keys()) leftOut += Math.max(0, Number(found[`l${index}`] ?? 0) - cellBytesMax - 1);
  const isCut = body.length === limits.lineBytesMax;
  return {
    body,
    bytes: isCut ? body.length + Math.max(1, leftOut) : body.length,
    position: positionOf(found),
    key: hasKey ? plainText(cellOf(found, names.length)) : undefined,
    timeMs: undefined,
  };
}

function cellOf(found: Found, index: number): Cell {
  const value = found[`v${index}`];
  switch (found[`k${index}`]) {
    case "integer":
      return { kind: "raw", text: value instanceof Uint8Array ? textOf(value) : String(value) };
    case "real":
      return { kind: "raw", text: Number.isFinite(value) ? JSON.stringify(value) : JSON.stringify(String(value)) };
    case "text":
      return { kind: "text", bytes: value instanceof Uint8Array ? value : new Uint8Array() };
    case "blob":
      return { kind: "bytes", bytes: value instanceof Uint8Array ? value : new Uint8Array() };
    default:
      return { kind: "null" };
  }
}

function positionOf(found: unknown): Position {
  const { kind, at, tie } = Named.parse(found);
  const tieText = tie === null ? "" : textOf(tie);
  return {
    at: written(kind === "integer", textOf(at)),
    tie: tie === null ? "" : written(tieText.startsWith("i"), tieText.slice(1)),
  };
}

/** Integers as digits; a text that could be taken for one, or for such a mark, has a quote before it. */
function written(isInteger: boolean, text: string): string {
  return !isInteger && /^(?:'|-?\d+$)/.test(text) ? `'${text}` : text;
}

function kindOfValue(value: string): Kind {
  return /^-?\d+$/.test(value) ? "integer" : "text";
}

function valueText(value: string): string {
  return kindOfValue(value) === "integer" ? `cast('${value}' as integer)` : "?";
}

function boundTexts(values: readonly string[]): readonly string[] {
  return values.filter((value) => kindOfValue(value) === "text").map((value) => value.replace(/^'/, ""));
}

/** @throws AppError where it is no UTF-8: it could not be compared again. */
function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw unfit("a value of the tracking or tie column is no UTF-8");
  }
}

function bareName(table: string): string {
  return table.slice(table.indexOf(".") + 1);
}
