import { AvroClient } from "../../../shared/avro-rpc/client.ts";
import type { Context } from "../../core/context.ts";
import { FlumeDestination, flumePeer } from "../../records/flume-destination.ts";
import type { Config } from "./config.ts";

/** A Flume's Avro source. */
export function avroDestination(config: Config, context: Pick<Context, "clock">): FlumeDestination {
  const peer = { ...flumePeer(config), compression: config.compression };
  return new FlumeDestination(config, () => new AvroClient(peer), context);
}
