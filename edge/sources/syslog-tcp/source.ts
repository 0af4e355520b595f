import type { Context } from "../../core/context.ts";
import type { Intake, Source } from "../../core/source.ts";
import { Listener } from "../../listeners/listener.ts";
import { readSyslog } from "../../listeners/syslog/syslog-connection.ts";
import type { Config } from "./config.ts";

/** Syslog over connections. */
export class SyslogTcpSource implements Source {
  private readonly listener: Listener;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    this.listener = new Listener(config, context);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const options = { config: this.config, intake, signal, now: () => this.context.clock.now() };
    this.listener.open((connection) => readSyslog(connection, options));
    await this.listener.run(signal);
  }

  async stop(): Promise<void> {
    await this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return this.listener.status();
  }
}
