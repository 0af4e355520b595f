import { ThriftClient } from "../../../shared/thrift-rpc/client.ts";
import type { Context } from "../../core/context.ts";
import { FlumeDestination, flumePeer } from "../../records/flume-destination.ts";
import type { Config } from "./config.ts";

/** A Flume's Thrift source. */
export function thriftDestination(config: Config, context: Pick<Context, "clock">): FlumeDestination {
  const peer = { ...flumePeer(config), protocol: config.protocol };
  return new FlumeDestination(config, () => new ThriftClient(peer), context);
}
