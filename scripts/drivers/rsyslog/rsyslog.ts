import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { until } from "../../../shared/testing/until.ts";

/** Where an rsyslog of a test lives, and what it does with the lines it is given. */
export interface RsyslogOptions {
  readonly folder: string;
  /** It takes lines here (imptcp), on loopback. */
  readonly port: number;
  /** Modules beside `imptcp`, and actions: RainerScript. */
  readonly modules?: readonly string[];
  readonly actions: readonly string[];
  /** What else it is told, and listens on: RainerScript, whole statements. */
  readonly statements?: readonly string[];
}

/** A real rsyslogd (Debian's) that is given lines over TCP and sends them on. */
export class Rsyslog implements AsyncDisposable {
  private constructor(
    private readonly child: Child,
    private readonly port: number,
  ) {}

  static async start({ folder, port, modules = [], actions, statements = [] }: RsyslogOptions): Promise<Rsyslog> {
    mkdirSync(join(folder, "work"), { recursive: true });
    const config = join(folder, "rsyslog.conf");
    writeFileSync(
      config,
      [
        `global(workDirectory="${join(folder, "work")}" maxMessageSize="64k")`,
        'module(load="imptcp")',
        ...modules.map((name) => `module(load="${name}")`),
        'ruleset(name="on") {',
        ...actions,
        "}",
        `input(type="imptcp" address="127.0.0.1" port="${port}" ruleset="on")`,
        ...statements,
        "",
      ].join("\n"),
    );
    const command = ["rsyslogd", "-n", "-f", config, "-i", join(folder, "rsyslog.pid")];
    const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
    const rsyslog = new Rsyslog(startChild({ command, env, name: "rsyslogd" }), port);
    await until("rsyslog to listen", () => canConnect(port));
    return rsyslog;
  }

  /** What it said about itself. */
  get log(): string {
    return this.child.tail(20_000);
  }

  /** Gives it lines; resolves when it has them. */
  async give(lines: readonly string[]): Promise<void> {
    const socket = connect(this.port, "127.0.0.1");
    await new Promise<void>((resolve, reject) => {
      socket.on("error", reject);
      socket.on("close", () => resolve());
      socket.resume();
      socket.end(lines.map((line) => `${line}\n`).join(""));
    });
  }

  /** As its service manager stops it: what it has read it has written then. */
  async stop(): Promise<void> {
    await this.child.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.child[Symbol.asyncDispose]();
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
