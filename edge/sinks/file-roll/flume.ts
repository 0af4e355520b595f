import type { FlumeDraft, FlumeMapping } from "../../core/flume-mapping.ts";

const fileRoll: FlumeMapping = {
  names: ["file_roll", "org.apache.flume.sink.RollingFileSink"],
  keys: {
    "sink.directory": { by: "`directory`" },
    "sink.rollInterval": { by: "`rollInterval`; 0 is no roll" },
    "sink.pathManager": { nothing: "names are by event time (`file`)" },
    "sink.pathManager.extension": { by: "`file`" },
    "sink.pathManager.prefix": { by: "`file`" },
    "sink.serializer": {
      refused: "serializers other than TEXT are not carried yet",
      unless: ["TEXT", "org.apache.flume.serialization.BodyTextEventSerializer$Builder"],
    },
    "sink.serializer.appendNewline": { refused: "lines end with a line feed here", unless: ["true"] },
    "sink.batchSize": { nothing: "batches are written as they come" },
    batchSize: { nothing: "batches are written as they come" },
  },
  // Flume's default.
  start: { rollInterval: "30s" },
  differences: [
    "Files are named by source and event time, not by when the agent started and a counter.",
    "A line is in the files once, whatever crashed in between; an unfinished file lies in `.in-progress`.",
  ],
  finish,
};

/** For `defineSink`. */
export const mappings: readonly FlumeMapping[] = [fileRoll];

function finish(draft: FlumeDraft): void {
  const directory = draft.value("sink.directory");
  if (directory !== undefined) draft.set("directory", draft.path(directory.written), "sink.directory");
  const interval = draft.value("sink.rollInterval");
  if (interval?.text === "0") draft.unset("rollInterval");
  else if (interval !== undefined) draft.set("rollInterval", `${interval.written}s`, "sink.rollInterval");
  const prefix = draft.value("sink.pathManager.prefix")?.written ?? "";
  const extension = draft.value("sink.pathManager.extension")?.written;
  if (prefix === "" && extension === undefined) return;
  draft.set(
    "file",
    `${prefix}%{stream}-%Y-%m-%d.${extension ?? "log"}`,
    extension === undefined ? "sink.pathManager.prefix" : "sink.pathManager.extension",
  );
}
