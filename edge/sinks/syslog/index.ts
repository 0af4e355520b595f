import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume has none. */
export default defineSink({
  type: "syslog",
  summary:
    "Sends events to a syslog server (RFC 5424 and 3164; TCP, TLS, UDP). Over TCP nothing is lost on the way, except with `acknowledge: none`. When a connection breaks, the events of that write come again. Syslog knows no ids; with RFC 5424 each event carries its own as structured data.",
  stability: "experimental",
  config: configSchema,
  example: { hostname: "logs.example", port: 6514, tls: {} },
  create: async (config, context) => {
    const [{ RecordSink }, { SyslogDestination }] = await Promise.all([
      import("../../records/record-sink.ts"),
      import("./destination.ts"),
    ]);
    const { recordsMax, bytesMax, connectionsMax: writersMax } = config;
    return new RecordSink(context, { destination: new SyslogDestination(config), recordsMax, bytesMax, writersMax });
  },
});
