/**
 * A real PostgreSQL server (Debian's package) on loopback, with a data folder of its own. As root it runs as the package's
 * user, because the server refuses root.
 */
import { chownSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SQL } from "bun";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { codes } from "../codes.ts";
import { runTool } from "../kafka/distribution.ts";

const versions = "/usr/lib/postgresql";
const user = "tailgate";
/** Unusual characters, so that who forgets the address's %-codes is noticed. */
export const serverPassword = "p@ss/w:rd#1";

/** How a server of a test is set up. */
export interface PostgresOptions {
  /** Where its data are; a folder of its own when not given. */
  readonly folder?: string;
  /** `name=value` of postgresql.conf. */
  readonly settings?: readonly string[];
}

/** Where the newest one's programs are; undefined: not installed. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(versions)) return undefined;
  const found = readdirSync(versions).filter((version) => existsSync(join(versions, version, "bin/initdb")));
  const newest = found.sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(versions, newest, "bin");
}

export class PostgresServer implements AsyncDisposable {
  private child: Child | undefined;
  private log = "";
  private databases = 0;

  private constructor(
    private readonly programs: string,
    private readonly data: string,
    readonly port: number,
    private readonly settings: readonly string[],
    private readonly own: TempDir | undefined,
  ) {}

  /** Makes the data folder and starts the server. @throws AppError `TOOL_MISSING`. */
  static async start({ folder, settings = [] }: PostgresOptions = {}): Promise<PostgresServer> {
    const programs = postgresPrograms();
    if (programs === undefined) {
      throw new AppError(codes.TOOL_MISSING, "PostgreSQL is not installed", {
        hint: "Install it (Debian, Ubuntu: apt-get install postgresql), or run `npm test` as root, which does.",
      });
    }
    const own = folder === undefined ? tempDir("tailgate-postgres-") : undefined;
    const place = folder ?? own?.path ?? "";
    if (process.getuid?.() === 0) chownSync(place, ...idsOf("postgres"));
    const data = join(place, "data");
    const passwordFile = join(place, "password");
    writeFileSync(passwordFile, serverPassword, { mode: 0o644 });
    const words = [
      "-D",
      data,
      "-U",
      user,
      "-A",
      "scram-sha-256",
      `--pwfile=${passwordFile}`,
      "-E",
      "UTF8",
      "--locale=C",
    ];
    await runTool("initdb", [...asUser(), join(programs, "initdb"), ...words, "--no-sync"]);
    const server = new PostgresServer(programs, data, await freePort(), settings, own);
    await server.launch();
    return server;
  }

  /** Starts it again after `kill` or `stop`; resolves when it answers. */
  async launch(): Promise<void> {
    const settings = [
      `port=${this.port}`,
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "max_wal_size=512MB",
      ...this.settings,
    ];
    const command = [
      ...asUser(),
      join(this.programs, "postgres"),
      "-D",
      this.data,
      ...settings.flatMap((one) => ["-c", one]),
    ];
    await until(
      "PostgreSQL to answer",
      async () => {
        // The backends of one that was killed hold its memory for a moment: it then does not start.
        if (this.child === undefined || this.child.exit !== undefined) {
          this.log += this.child?.tail(4_000) ?? "";
          this.child = startChild({ command, name: "postgres", cwd: this.data });
        }
        return await this.answers();
      },
      Boolean,
      { withinMs: 60_000, everyMs: 20 },
    );
  }

  /** The server's first process; those of the connections are its children. */
  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** SIGKILL: its connections end, what was not committed is gone. */
  async kill(): Promise<void> {
    await this.child?.kill();
  }

  /** Ends it as an administrator does who is in a hurry: transactions are rolled back, connections told so (57P01). */
  async stop(): Promise<void> {
    this.child?.signal("SIGINT");
    await this.child?.exited;
  }

  /** What it wrote. */
  get output(): string {
    return this.log + (this.child?.tail(20_000) ?? "");
  }

  /** The address of a database, of this server or of whoever stands before it at another port. */
  address(database: string, port = this.port): string {
    return `postgres://${user}:${encodeURIComponent(serverPassword)}@127.0.0.1:${port}/${database}`;
  }

  /** A connection of a few, to look or to change something past the product. */
  connect(database = "postgres"): SQL {
    return new SQL(this.address(database), { max: 2 });
  }

  /** Makes a database that nobody else has; `words`: ENCODING and the like. Returns its name. */
  async createDatabase(words = ""): Promise<string> {
    const name = `store_${++this.databases}`;
    const sql = this.connect();
    try {
      await sql.unsafe(`create database ${name} template template0 ${words}`);
    } finally {
      await sql.close();
    }
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.own?.[Symbol.dispose]();
  }

  private async answers(): Promise<boolean> {
    const sql = this.connect();
    try {
      await sql`select 1`;
      return true;
    } catch {
      return false; // Not yet; whoever waits has a deadline.
    } finally {
      await sql.close({ timeout: 0 });
    }
  }
}

function asUser(): readonly string[] {
  return process.getuid?.() === 0 ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
}

function idsOf(name: string): [number, number] {
  const of = (flag: string) => Number(Bun.spawnSync(["id", flag, name]).stdout.toString().trim());
  return [of("-u"), of("-g")];
}
