/** What MySQL and MariaDB say of a table's columns, and how each is asked for without loss. */
import { z } from "zod";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";
import { cellBytesMax } from "./json-row.ts";
import type { ServerConnection } from "./server-connection.ts";

/** A column, and how its value stands in an event. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly isNullable: boolean;
  /** The expression that is asked for. */
  readonly text: string;
  readonly cell: "raw" | "text" | "bytes";
}

const Described = z.object({ name: z.string(), type: z.string(), nullable: z.string(), json: z.coerce.number() });
const Table = z.object({ kind: z.string(), alone: z.coerce.number() });

const rawTypes = ["tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year"];
const byteTypes = [
  "binary",
  "varbinary",
  "tinyblob",
  "blob",
  "mediumblob",
  "longblob",
  "geometry",
  "point",
  "linestring",
];
const byteTypesToo = [
  "polygon",
  "multipoint",
  "multilinestring",
  "multipolygon",
  "geometrycollection",
  "geomcollection",
];

/** Also whether the tracking column has an index of its own that allows no value twice. @throws AppError. */
export async function columnsOf(connection: ServerConnection, table: string, trackingColumn: string) {
  const dot = table.indexOf(".");
  const schema = dot < 0 ? "database()" : literal(table.slice(0, dot));
  const name = literal(table.slice(dot + 1));
  const about = await connection.ask(
    `look at ${table}`,
    `select t.table_type as kind, exists (select 1 from (
        select index_name, min(non_unique) as twice, count(*) as parts, min(column_name) as first
        from information_schema.statistics where table_schema = ${schema} and table_name = ${name} group by index_name
      ) i where i.twice = 0 and i.parts = 1 and i.first = ${literal(trackingColumn)}) as alone
      from information_schema.tables t where t.table_schema = ${schema} and t.table_name = ${name}`,
  );
  if (about[0] === undefined)
    throw new AppError(codes.EDGE_DATABASE_UNFIT, `table: there is no ${table} that this user may read`);
  const { kind, alone } = Table.parse(about[0]);
  // MariaDB's JSON is a text with a check.
  const described = await connection.ask(
    `look at the columns of ${table}`,
    `select c.column_name as name, lower(c.data_type) as type, c.is_nullable as nullable,
        (c.data_type = 'json' or exists (select 1 from information_schema.check_constraints k
          where k.constraint_schema = c.table_schema and k.constraint_name = c.column_name
            and k.check_clause = concat('json_valid(\`', c.column_name, '\`)'))) as json
      from information_schema.columns c where c.table_schema = ${schema} and c.table_name = ${name} order by c.ordinal_position`,
  );
  const columns = described.map((row) => column(Described.parse(row)));
  return { columns, alone: alone === 1, isTable: kind === "BASE TABLE" };
}

function column({ name, type, nullable, json }: z.output<typeof Described>): Column {
  const value = quoted(name);
  const about = { name, type, isNullable: nullable === "YES" };
  if (json === 1) return { ...about, cell: "raw", text: `convert(substr(${value}, 1, ${cellBytesMax}) using utf8mb4)` };
  if (rawTypes.includes(type)) return { ...about, cell: "raw", text: `cast(${value} as char)` };
  if (type === "bit") return { ...about, cell: "raw", text: `cast(${value} + 0 as char)` };
  if ([...byteTypes, ...byteTypesToo].includes(type)) {
    return { ...about, cell: "bytes", text: `cast(substr(${value}, 1, ${cellBytesMax + 1}) as binary)` };
  }
  if (type === "datetime" || type === "timestamp") {
    const zone = type === "timestamp" ? "+00:00" : "";
    return { ...about, cell: "text", text: `concat(replace(cast(${value} as char), ' ', 'T'), '${zone}')` };
  }
  if (type === "date" || type === "time") return { ...about, cell: "text", text: `cast(${value} as char)` };
  return { ...about, cell: "text", text: `convert(substr(${value}, 1, ${cellBytesMax}) using utf8mb4)` };
}

/** A name as an identifier. */
export function quoted(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** `name` or `schema.name` as an identifier. */
export function tableName(table: string): string {
  const dot = table.indexOf(".");
  return dot < 0 ? quoted(table) : `${quoted(table.slice(0, dot))}.${quoted(table.slice(dot + 1))}`;
}

/** A text as a literal; digits as a number, so that an index of numbers is used. */
export function literal(text: string): string {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return text;
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
