/** A real MariaDB server (Debian's package) on loopback, with a data folder of its own. */
import { mkdirSync } from "node:fs";
import { SQL } from "bun";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { codes } from "../codes.ts";
import { runTool } from "../kafka/distribution.ts";

const path = `${process.env.PATH}:/usr/sbin:/sbin`;
const admin = "tailgate";
/** Unusual characters, so that who forgets the address's %-codes is noticed. */
export const mariadbPassword = "p@ss/w:rd#1";

/** Where its programs are; undefined: not installed. */
export function mariadbPrograms(): { readonly server: string; readonly install: string } | undefined {
  const server = Bun.which("mariadbd", { PATH: path });
  const install = Bun.which("mariadb-install-db", { PATH: path });
  return server === null || install === null ? undefined : { server, install };
}

export class MariadbServer implements AsyncDisposable {
  private child: Child | undefined;

  private constructor(
    private readonly program: string,
    private readonly folder: TempDir,
    readonly port: number,
    private readonly settings: readonly string[],
  ) {}

  /** Makes the data folder and starts the server. `settings`: options of mariadbd. @throws AppError `TOOL_MISSING`. */
  static async start(settings: readonly string[] = []): Promise<MariadbServer> {
    const programs = mariadbPrograms();
    if (programs === undefined) {
      throw new AppError(codes.TOOL_MISSING, "MariaDB is not installed", {
        hint: "Install it (Debian, Ubuntu: apt-get install mariadb-server-core), or run `npm test` as root, which does.",
      });
    }
    const folder = tempDir("tailgate-mariadb-");
    const words = ["--no-defaults", `--datadir=${folder.file("data")}`, "--skip-test-db", ...asUser()];
    mkdirSync(folder.file("data"));
    await runTool("mariadb-install-db", [programs.install, ...words, "--auth-root-authentication-method=normal"]);
    const users = `create user ${admin}@'127.0.0.1' identified by '${mariadbPassword}';\ngrant all on *.* to ${admin}@'127.0.0.1' with grant option;\n`;
    await Bun.write(folder.file("users.sql"), users);
    const server = new MariadbServer(programs.server, folder, await freePort(), settings);
    await server.launch([`--init-file=${folder.file("users.sql")}`]);
    return server;
  }

  /** Starts it again after `kill` or `stop`; resolves when it answers. */
  async launch(once: readonly string[] = []): Promise<void> {
    const { folder, port, settings } = this;
    const words = [
      "--no-defaults",
      ...asUser(),
      `--datadir=${folder.file("data")}`,
      `--socket=${folder.file("socket")}`,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      "--skip-log-bin",
      ...settings,
      ...once,
    ];
    this.child = startChild({ command: [this.program, ...words], name: "mariadbd" });
    await until("MariaDB to answer", () => this.answers(), Boolean, { withinMs: 60_000, everyMs: 50 });
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.child?.kill();
  }

  /** As its service manager stops it. */
  async stop(): Promise<void> {
    await this.child?.stop(60_000);
  }

  /** What it wrote. */
  get output(): string {
    return this.child?.tail(20_000) ?? "";
  }

  /** The address of a database, for its administrator or for `user`. */
  address(database: string, user = admin): string {
    return `mysql://${user}:${encodeURIComponent(mariadbPassword)}@127.0.0.1:${this.port}/${database}`;
  }

  /** Connections to look or to change something past the product. */
  connect(database = "mysql", max = 2): SQL {
    return new SQL({
      adapter: "mysql",
      hostname: "127.0.0.1",
      port: this.port,
      username: admin,
      password: mariadbPassword,
      database,
      max,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.folder[Symbol.dispose]();
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

/** It refuses root, unless it is told so. */
function asUser(): readonly string[] {
  return process.getuid?.() === 0 ? ["--user=root"] : [];
}
