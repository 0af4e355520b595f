/**
 * Readers of the lake that are not ours: DuckDB with its Iceberg extension, and PyIceberg. Each comes by pip3, once, into a folder of
 * the user's cache:
 *
 *     lake-duckdb-1.5.5/       duckdb, and its signed extensions as wheels (about 60 MB): nothing is loaded from elsewhere
 *     lake-pyiceberg-0.12.0/   pyiceberg and pyarrow (about 200 MB)
 */
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";
import { pythonPackages } from "../python/packages.ts";

const extensions = ["avro", "httpfs", "iceberg"] as const;

const readers = {
  duckdb: {
    version: "1.5.5",
    packages: ["duckdb==1.5.5", ...extensions.map((name) => `duckdb-extension-${name}==1.5.5`)],
  },
  pyiceberg: { version: "0.12.0", packages: ["pyiceberg==0.12.0", "pyarrow==26.0.1"] },
} as const;

/** Which one. */
export type LakeReader = keyof typeof readers;

/** A row as a reader gives it; times are milliseconds, the body is hexadecimal. */
export interface LakeRow {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly vehicle: string;
  readonly stream: string;
  readonly eventMs: number;
  readonly kafkaMs: number;
  readonly agent: string | null;
  readonly epoch: string | null;
  readonly lane: number | null;
  readonly seq: number | null;
  readonly body: string | null;
}

type Tuple = readonly [
  topic: string,
  partition: number,
  offset: number,
  vehicle: string,
  stream: string,
  eventMs: number,
  kafkaMs: number,
  agent: string | null,
  epoch: string | null,
  lane: number | null,
  seq: number | null,
  body: string | null,
];

/**
 * All rows of the table that central serves, by topic, partition and offset.
 *
 * @throws AppError `TOOL_MISSING` when the reader cannot be fetched; Error with the reader's words.
 */
export async function readLake(reader: LakeReader, url: string, key = ""): Promise<LakeRow[]> {
  return (await run(reader, { url, key, statements: [] })).map((line) => {
    const tuple: Tuple = JSON.parse(line);
    const [topic, partition, offset, vehicle, stream, eventMs, kafkaMs, agent, epoch, lane, seq, body] = tuple;
    return { topic, partition, offset, vehicle, stream, eventMs, kafkaMs, agent, epoch, lane, seq, body };
  });
}

/** Runs statements one after the other, by DuckDB on what central serves; the rows of the last one. @throws as `readLake`. */
export async function queryLake(url: string, statements: readonly string[]): Promise<unknown[]> {
  return (await run("duckdb", { url, key: "", statements })).map((line) => JSON.parse(line));
}

interface Asked {
  readonly url: string;
  readonly key: string;
  readonly statements: readonly string[];
}

/** A line of JSON for each row. */
async function run(reader: LakeReader, asked: Asked): Promise<string[]> {
  const { version, packages } = readers[reader];
  const folder = await pythonPackages(`lake-${reader}-${version}`, packages);
  const paths = reader === "duckdb" ? extensions.map((name) => extensionPath(folder, name)) : [];
  const python = Bun.spawn(["python3", join(import.meta.dir, "read-lake.py")], {
    stdin: Buffer.from(JSON.stringify({ reader, ...asked, extensions: paths })),
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, PYTHONPATH: folder },
  });
  const [stdout, stderr] = await Promise.all([python.stdout.text(), python.stderr.text(), python.exited]);
  if (python.exitCode !== 0) throw new Error(`read the lake with ${reader}:\n${stderr.slice(-4_000)}`);
  return stdout.split("\n").filter((line) => line !== "");
}

function extensionPath(folder: string, name: string): string {
  const found = [...new Bun.Glob(`duckdb_extension_${name}/extensions/*/${name}.duckdb_extension`).scanSync(folder)][0];
  if (found === undefined) throw new AppError(codes.TOOL_MISSING, `read the lake: ${folder} has no extension ${name}`);
  return join(folder, found);
}
