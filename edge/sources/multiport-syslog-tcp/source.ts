import type { Context } from "../../core/context.ts";
import type { Intake, Source } from "../../core/source.ts";
import type { Connection } from "../../listeners/connection.ts";
import { Listener } from "../../listeners/listener.ts";
import { readSyslog } from "../../listeners/syslog/syslog-connection.ts";
import type { Config } from "./config.ts";

/** Syslog over connections to several ports. */
export class MultiportSyslogTcpSource implements Source {
  private readonly listeners: readonly Listener[];

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { host, ports } = config;
    this.listeners = ports.map((port) => new Listener({ ...config, address: { kind: "tcp", host, port } }, context));
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const { config, context } = this;
    const now = () => context.clock.now();
    for (const listener of this.listeners) {
      listener.open((connection) =>
        readSyslog(connection, { config, intake, signal, now, headers: this.headersOf(connection) }),
      );
    }
    await Promise.all(this.listeners.map((listener) => listener.run(signal)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.close()));
  }

  status(): Readonly<Record<string, unknown>> {
    const ports = this.listeners.map((listener) => listener.status());
    return { port: this.listeners[0]?.port, ports };
  }

  private headersOf({ localPort }: Connection): Readonly<Record<string, string>> {
    const { portHeader } = this.config;
    return portHeader === undefined ? {} : { [portHeader]: String(localPort) };
  }
}
