import { asNumber, asSeconds, asText, asWord, type FlumeDraft, type FlumeMapping } from "../../core/flume-mapping.ts";

const client = "it tunes Hadoop's Java client";
const waits = "a request that is not answered in time is made again";

const hdfs: FlumeMapping = {
  names: ["hdfs", "org.apache.flume.sink.hdfs.HDFSEventSink"],
  keys: {
    "hdfs.path": { by: "`path`, and `url` from its host: WebHDFS is spoken" },
    "hdfs.filePrefix": { to: "filePrefix", as: asText },
    "hdfs.fileSuffix": { to: "fileSuffix", as: asText },
    "hdfs.inUsePrefix": { to: "inUsePrefix", as: asText },
    "hdfs.inUseSuffix": { to: "inUseSuffix", as: asText },
    "hdfs.emptyInUseSuffix": { refused: "a file that is written has a name of its own here", unless: ["false"] },
    "hdfs.rollInterval": { to: "rollInterval", as: asSeconds },
    "hdfs.rollSize": { to: "rollSize", as: asNumber },
    "hdfs.rollCount": { to: "rollCount", as: asNumber },
    "hdfs.idleTimeout": { to: "idleTimeout", as: asSeconds },
    "hdfs.batchSize": { nothing: "batches are written as they come" },
    "hdfs.codeC": { by: "`compression`: gzip" },
    "hdfs.fileType": {
      by: "`fileType`: DataStream is `text`, SequenceFile is `sequence`, CompressedStream is `text` compressed",
    },
    "hdfs.writeFormat": { to: "writeFormat", as: asWord({ Writable: "writable", Text: "text" }) },
    "hdfs.maxOpenFiles": { by: "`maxOpenFiles`" },
    "hdfs.minBlockReplicas": { nothing: client },
    "hdfs.threadsPoolSize": { nothing: client },
    "hdfs.rollTimerPoolSize": { nothing: client },
    "hdfs.callTimeout": { nothing: waits },
    "hdfs.retryInterval": { nothing: waits },
    "hdfs.closeTries": { nothing: waits },
    "hdfs.kerberosPrincipal": { refused: "Kerberos is not carried" },
    "hdfs.kerberosKeytab": { refused: "Kerberos is not carried" },
    "hdfs.proxyUser": { to: "user", as: asText },
    "hdfs.round": { by: "`round`" },
    "hdfs.roundValue": { to: "roundValue", as: asNumber },
    "hdfs.roundUnit": { to: "roundUnit", as: asWord({ second: "second", minute: "minute", hour: "hour" }) },
    "hdfs.timeZone": { to: "timeZone", as: asText },
    "hdfs.useLocalTimeStamp": { nothing: "an event always has a time: of reading, or what was found in it" },
    serializer: {
      refused: "serializers other than TEXT are not carried yet",
      unless: ["TEXT", "org.apache.flume.serialization.BodyTextEventSerializer$Builder"],
    },
    "serializer.appendNewline": { refused: "lines end with a line feed here", unless: ["true"] },
  },
  // Flume's defaults.
  start: { filePrefix: "FlumeData", rollInterval: "30s", rollSize: 1024, rollCount: 10, fileType: "sequence" },
  differences: [
    "It speaks WebHDFS over HTTP, on port 9870 unless `hdfs.path` is converted by hand; Flume speaks Hadoop's RPC.",
    "Times in names are in UTC unless `hdfs.timeZone` says otherwise; Flume takes the machine's zone.",
    "A line is in the files once, whatever crashed in between.",
  ],
  finish,
};

/** For `defineSink`. */
export const mappings: readonly FlumeMapping[] = [hdfs];

function finish(draft: FlumeDraft): void {
  const path = draft.value("hdfs.path");
  if (path !== undefined) {
    const [, host, folder = ""] = /^hdfs:\/\/([^/:]*)(?::\d+)?(\/.*)?$/.exec(path.written) ?? [];
    if (host !== undefined && host !== "") {
      draft.set("url", `http://${host}:9870`, "hdfs.path");
      draft.set("path", folder === "" ? "/" : folder, "hdfs.path");
      draft.note(`WebHDFS of ${host} is taken to listen on its usual port, 9870; Flume spoke Hadoop's RPC`);
    } else {
      draft.refuse(
        "hdfs.path",
        "names no host: Hadoop's own config (core-site.xml) is not read",
        "write hdfs://namenode:8020/…",
      );
    }
  }
  const type = draft.value("hdfs.fileType");
  const kind = type?.text.toLowerCase() ?? "sequencefile";
  const kinds: Readonly<Record<string, string>> = {
    sequencefile: "sequence",
    datastream: "text",
    compressedstream: "text",
  };
  if (kinds[kind] === undefined)
    draft.refuse("hdfs.fileType", `"${type?.text}" is none of SequenceFile, DataStream, CompressedStream`);
  else draft.set("fileType", kinds[kind], type === undefined ? undefined : "hdfs.fileType");
  const codec = draft.value("hdfs.codeC");
  if (kind === "compressedstream" && codec !== undefined) {
    if (/gzip/i.test(codec.text)) draft.set("compression", "gzip", "hdfs.codeC");
    else draft.refuse("hdfs.codeC", `the codec "${codec.text}" is not carried`, "gzip is");
  }
  if (draft.value("hdfs.round")?.text.toLowerCase() === "true") draft.set("round", true, "hdfs.round");
  const open = draft.value("hdfs.maxOpenFiles");
  if (open !== undefined && Number(open.text) <= 1_000)
    draft.set("maxOpenFiles", Number(open.text), "hdfs.maxOpenFiles");
}
