import { freePort } from "../../../shared/testing/free-port.ts";
import { type Broker, type BrokerOptions, startBroker } from "../kafka/broker.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";

/** A broker that clients reach by a line that goes wrong on purpose. */
export interface BrokerOnLine extends AsyncDisposable {
  readonly broker: Broker;
  readonly line: FaultProxy;
}

/** Starts both: the broker's metadata sends clients to the line, `internalAddress` goes past it. `seed`: of the line's chance. */
export async function startBrokerOnLine(options: BrokerOptions = {}, seed?: number): Promise<BrokerOnLine> {
  const advertisedPort = await freePort();
  const broker = await startBroker({ ...options, advertisedPort });
  const line = await startFaultProxy({
    upstreamPort: broker.port,
    port: advertisedPort,
    ...(seed === undefined ? {} : { seed }),
  });
  return {
    broker,
    line,
    [Symbol.asyncDispose]: async () => {
      await line[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}
