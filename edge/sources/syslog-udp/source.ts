import type { Context } from "../../core/context.ts";
import type { Intake, Source } from "../../core/source.ts";
import { DatagramListener, endWithoutLineFeed } from "../../listeners/datagram-listener.ts";
import { SyslogIntake } from "../../listeners/syslog/syslog-intake.ts";
import { SyslogReader } from "../../listeners/syslog/syslog-reader.ts";
import type { Config } from "./config.ts";

/** Syslog messages as datagrams. */
export class SyslogUdpSource implements Source {
  private readonly listener: DatagramListener;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    this.listener = new DatagramListener(config, context);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const reader = new SyslogReader(this.config, () => this.context.clock.now());
    const output = new SyslogIntake(intake, reader);
    await this.listener.run(intake, signal, (bytes, senderAddress) => {
      reader.clientIp = senderAddress;
      output.line(bytes, 0, endWithoutLineFeed(bytes));
    });
  }

  async stop(): Promise<void> {
    this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return this.listener.status();
  }
}
