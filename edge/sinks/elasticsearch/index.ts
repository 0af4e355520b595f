import { defineSink } from "../../core/define.ts";
import { configSchema } from "./config.ts";

/** Flume's org.apache.flume.sink.elasticsearch.ElasticSearchSink, for today's servers; OpenSearch is one of them. */
export default defineSink({
  type: "elasticsearch",
  summary: "Writes documents to Elasticsearch or OpenSearch; a repeat has the same id, so it overwrites itself.",
  stability: "experimental",
  config: configSchema,
  example: { url: "http://127.0.0.1:9200", index: "logs-%{stream}-%Y.%m.%d" },
  flume: async () => (await import("./flume.ts")).mappings,
  create: async (config, context) => {
    const [{ RecordSink }, { ElasticDestination }] = await Promise.all([
      import("../../records/record-sink.ts"),
      import("./destination.ts"),
    ]);
    const { recordsMax, bytesMax, requestsMax: writersMax } = config;
    const destination = new ElasticDestination(config, context.agent);
    return new RecordSink(context, { destination, recordsMax, bytesMax, writersMax });
  },
});
