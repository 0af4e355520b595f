import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { until } from "../../../shared/testing/until.ts";

/** Where a broker of a test lives. */
export interface MosquittoOptions {
  readonly folder: string;
  readonly port: number;
  /** PEM files: it then speaks TLS and asks for a client's certificate. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** The one user that may log in; everybody when left out. */
  readonly user?: { readonly name: string; readonly password: string };
}

const env = { PATH: `${process.env.PATH}:/usr/sbin:/sbin` };

/** A real mosquitto (Debian's) that keeps its sessions on the disk. */
export class Mosquitto implements AsyncDisposable {
  private child: Child | undefined;
  private readonly config: string;

  constructor(private readonly options: MosquittoOptions) {
    const { folder, port, tls, user } = options;
    mkdirSync(join(folder, "data"), { recursive: true });
    this.config = join(folder, "mosquitto.conf");
    const passwords = join(folder, "passwords");
    if (user !== undefined) {
      writeFileSync(passwords, `${user.name}:${user.password}\n`, { mode: 0o600 });
      Bun.spawnSync(["mosquitto_passwd", "-U", passwords], { env });
    }
    const secure =
      tls === undefined
        ? []
        : [`cafile ${tls.ca}`, `certfile ${tls.cert}`, `keyfile ${tls.key}`, "require_certificate true"];
    writeFileSync(
      this.config,
      [
        "user root",
        "persistence true",
        `persistence_location ${join(folder, "data")}/`,
        "autosave_interval 1",
        "max_queued_messages 0",
        "max_inflight_messages 0",
        `listener ${port} 127.0.0.1`,
        ...secure,
        ...(user === undefined ? ["allow_anonymous true"] : ["allow_anonymous false", `password_file ${passwords}`]),
        "",
      ].join("\n"),
    );
  }

  async start(): Promise<void> {
    this.child = startChild({ command: ["mosquitto", "-c", this.config], env, name: "mosquitto" });
    await until(`mosquitto to listen: ${this.child.tail(2_000)}`, () => canConnect(this.options.port));
  }

  async kill(): Promise<void> {
    await this.child?.[Symbol.asyncDispose]();
  }

  /** As its service manager stops it: what it has told others that it has is on the disk. */
  async stop(): Promise<void> {
    await this.child?.stop();
  }

  /** Who is given every message of these topics, a line each in the words of mosquitto_sub's `-F`; the broker keeps them while it is away. */
  subscribe(name: string, topics: string, format: string, more: readonly string[] = []): Child {
    const words = ["-h", "127.0.0.1", "-p", String(this.options.port), "-V", "5", "-q", "1", "-c", "-i", name];
    const command = ["mosquitto_sub", ...words, "-x", "3600", "-t", topics, "-F", format, ...more];
    return startChild({ command, env, name });
  }

  /** Publishes lines, each a message of QoS 1; resolves when the broker has them. */
  async publish(topic: string, lines: readonly string[], more: readonly string[] = []): Promise<void> {
    const { port } = this.options;
    const words = ["-h", "127.0.0.1", "-p", String(port), "-q", "1", "-t", topic, "-l", ...more];
    const client = Bun.spawn(["mosquitto_pub", ...words], { env, stdin: "pipe", stdout: "ignore", stderr: "pipe" });
    client.stdin.write(lines.map((line) => `${line}\n`).join(""));
    await client.stdin.end();
    if ((await client.exited) !== 0) throw new Error(`publish to ${topic}: ${await client.stderr.text()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
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
