import type { Context } from "../../core/context.ts";
import type { Intake, Source } from "../../core/source.ts";
import { DatagramListener, endWithoutLineFeed } from "../../listeners/datagram-listener.ts";
import type { Config } from "./config.ts";

/** Events as datagrams. */
export class NetcatUdpSource implements Source {
  private readonly listener: DatagramListener;

  constructor(
    private readonly config: Config,
    context: Context,
  ) {
    this.listener = new DatagramListener(config, context);
  }

  async start(): Promise<void> {}

  async run(intake: Intake, signal: AbortSignal): Promise<void> {
    const { clientIpHeader } = this.config;
    await this.listener.run(intake, signal, (bytes, senderAddress) => {
      const end = endWithoutLineFeed(bytes);
      if (clientIpHeader === undefined) intake.append(bytes, 0, end);
      else intake.appendWith(bytes, 0, end, (view) => void view.setHeader(clientIpHeader, senderAddress));
    });
  }

  async stop(): Promise<void> {
    this.listener.close();
  }

  status(): Readonly<Record<string, unknown>> {
    return this.listener.status();
  }
}
