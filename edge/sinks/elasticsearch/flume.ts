import { asText, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";

const packages = ["org.apache.flume.sink.elasticsearch."];
const named = (...names: readonly string[]) => names.flatMap((name) => packages.map((folder) => `${folder}${name}`));

const elasticsearch: FlumeMapping = {
  names: ["elasticsearch", "org.apache.flume.sink.elasticsearch.ElasticSearchSink"],
  keys: {
    hostNames: { by: "`url`: its first host, over HTTP" },
    clusterName: { nothing: "a cluster is known by its address over HTTP" },
    client: { by: "`url`: the transport client's port is another one" },
    indexName: { by: "`index`" },
    indexNameBuilder: { by: "`index`: followed by the day, or as it is" },
    "indexNameBuilder.dateFormat": { by: "the time in `index`" },
    "indexNameBuilder.timeZone": { to: "timeZone", as: asText },
    indexType: { nothing: "today's servers know no types" },
    batchSize: { nothing: "requests are bounded by `recordsMax` and `bytesMax`" },
    ttl: { refused: "servers delete no single documents by time any more: set a lifecycle for the indexes" },
    serializer: {
      refused: "a serializer of your own is Java",
      unless: named("ElasticSearchLogStashEventSerializer", "ElasticSearchDynamicSerializer"),
    },
    "serializer.*": { nothing: "Flume's own serializers have no settings" },
  },
  differences: [
    "It speaks HTTP, with servers of today and OpenSearch; Flume's sink speaks with those before 2.0.",
    "A document holds `@timestamp`, `message` and, under `tailgate`, headers and identity; Flume's has `@message`, `@fields`.",
    "A document's id is the event's identity: a repeat overwrites itself.",
    "Only the first of `hostNames` is asked: put a name or a balancer there that leads to all.",
  ],
  finish: (draft: FlumeDraft) => {
    host(draft);
    index(draft);
  },
};

/** For `defineSink`. */
export const mappings: readonly FlumeMapping[] = [elasticsearch];

function host(draft: FlumeDraft): void {
  const hosts = draft.value("hostNames");
  if (hosts === undefined) {
    draft.refuse(undefined, "has no `hostNames`; Flume does not start it");
    return;
  }
  const [first = "", ...others] = hosts.written.split(",").map((each) => each.trim());
  const [, name, port] = /^(.*?)(?::(\d+))?$/.exec(first) ?? [];
  const isRest = draft.value("client")?.text.toLowerCase() === "rest";
  draft.set("url", `http://${name}:${isRest ? (port ?? "9200") : "9200"}`, "hostNames");
  if (!isRest)
    draft.note("HTTP is taken to be on its usual port, 9200; Flume's transport client spoke another protocol");
  if (others.length > 0) draft.doubt("hostNames", "only the first host is asked", "name a balancer that leads to all");
}

/** Java's letters of a date, as escapes. */
const letters: Readonly<Record<string, string>> = { yyyy: "%Y", MM: "%m", dd: "%d", HH: "%H", mm: "%M" };

function index(draft: FlumeDraft): void {
  const name = draft.value("indexName")?.written ?? "flume";
  const builder = draft.value("indexNameBuilder")?.text ?? "";
  if (builder.endsWith(".SimpleIndexNameBuilder")) {
    draft.set("index", name, "indexName");
    return;
  }
  if (builder !== "" && !builder.endsWith(".TimeBasedIndexNameBuilder")) {
    draft.refuse("indexNameBuilder", "a builder of your own is Java", "the index is a pattern: see `index`");
    return;
  }
  const format = draft.value("indexNameBuilder.dateFormat")?.text ?? "yyyy-MM-dd";
  const pattern = format.replaceAll(/([A-Za-z])\1*/g, (word) => letters[word] ?? "\0");
  if (pattern.includes("\0") || pattern.includes("'")) {
    draft.refuse("indexNameBuilder.dateFormat", `"${format}" has more in it than ${Object.keys(letters).join(", ")}`);
    return;
  }
  draft.set("index", `${name}-${pattern}`, "indexName");
}
