import {
  asBytes,
  asFlag,
  asMs,
  asNumber,
  asText,
  asWord,
  type FlumeDraft,
  type FlumeMapping,
} from "../../core/flume-mapping.ts";
import { limits } from "../../core/limits.ts";

const paced = "lines are committed by the agent's linger and by size";
const bytes = "lines are bytes, and pass as they are";

const spooldir: FlumeMapping = {
  names: ["spooldir", "org.apache.flume.source.SpoolDirectorySource"],
  keys: {
    spoolDir: { by: "`path`" },
    fileSuffix: { to: "completedSuffix", as: asText },
    deletePolicy: { by: "`done`" },
    trackingPolicy: { by: "`done`" },
    trackerDir: { by: "`trackerFrom`: read once, then what is done is in the channel file" },
    fileHeader: { by: "`fileHeader`" },
    fileHeaderKey: { by: "`fileHeader`" },
    basenameHeader: { by: "`basenameHeader`" },
    basenameHeaderKey: { by: "`basenameHeader`" },
    includePattern: { by: "`include`" },
    ignorePattern: { by: "`ignore`" },
    consumeOrder: { to: "order", as: asWord({ oldest: "mtime" }) },
    recursiveDirectorySearch: { to: "recursive", as: asFlag },
    pollDelay: { to: "pollInterval", as: asMs },
    "deserializer.maxLineLength": {
      to: "lineBytesMax",
      as: asNumber,
      note: "Flume makes several events of a longer line; here it is cut there, marked and counted",
    },
    deserializer: { by: "`deserializer`: LINE is `line`, BlobDeserializer is `blob`; others are refused" },
    "deserializer.maxBlobLength": { by: "`blobBytesMax`: at most 512 KiB, which fits into a record" },
    "deserializer.outputCharset": { nothing: bytes },
    inputCharset: {
      refused: "other encodings than UTF-8 are not carried yet",
      unless: ["UTF-8", "UTF8", "US-ASCII", "ASCII"],
    },
    decodeErrorPolicy: { nothing: bytes },
    maxBackoff: { nothing: "a full channel is waited for" },
    batchSize: { nothing: paced },
    bufferMaxLines: { nothing: paced },
    bufferMaxLineLength: { nothing: "Flume itself reads it no more" },
  },
  start: { ignore: [".*"], stripCarriageReturn: true, decompress: false },
  differences: [
    "A file that is put there while it is still written is taken once it was quiet for `settle`; Flume stops its source.",
    "Of a compressed file Flume reads the bytes, and so it is with a flume.conf; `decompress: true`, the default of ours, reads what is in it.",
    "A line longer than Flume's 2,048 characters stays one event.",
    "Several sources on one folder, and the order `youngest` or `random`, are not carried.",
  ],
  headers: (draft) =>
    ["fileHeader", "basenameHeader"].flatMap((key) => {
      const name = draft.get(key);
      return typeof name === "string" ? [name] : [];
    }),
  finish,
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [spooldir];

function finish(draft: FlumeDraft): void {
  const folder = draft.value("spoolDir");
  if (folder !== undefined) draft.set("path", draft.path(folder.written), "spoolDir");
  header(draft, "fileHeader", "file");
  header(draft, "basenameHeader", "basename");
  const include = draft.value("includePattern");
  if (include !== undefined && include.text !== "^.*$")
    draft.set("include", [`regex:${include.written}`], "includePattern");
  const ignore = draft.value("ignorePattern");
  if (ignore !== undefined && ignore.text !== "^$")
    draft.set("ignore", [".*", `regex:${ignore.written}`], "ignorePattern");
  deserializer(draft);
  done(draft);
}

const blobClass = "org.apache.flume.sink.solr.morphline.BlobDeserializer$Builder".toLowerCase();
const lineClasses = ["line", "org.apache.flume.serialization.LineDeserializer$Builder".toLowerCase()];

function deserializer(draft: FlumeDraft): void {
  const given = draft.value("deserializer")?.text.toLowerCase() ?? "line";
  if (lineClasses.includes(given)) return;
  if (given !== blobClass) {
    draft.refuse("deserializer", "deserializers other than LINE and BlobDeserializer are not carried yet");
    return;
  }
  draft.set("deserializer", "blob", "deserializer");
  const length = draft.value("deserializer.maxBlobLength");
  // Flume's default is 100 MB.
  if (length === undefined || Number(length.text) > limits.lineBytesMax) {
    const message = `an event holds at most ${limits.lineBytesMax} bytes: a larger file would become more events than in Flume`;
    draft.refuse(length === undefined ? "deserializer" : "deserializer.maxBlobLength", message, maxBlobHint);
    return;
  }
  const reading = asBytes(length);
  if (reading.ok) draft.set("blobBytesMax", reading.value, "deserializer.maxBlobLength");
  else draft.refuse("deserializer.maxBlobLength", reading.message);
}

const maxBlobHint = `where files are no larger, write deserializer.maxBlobLength = ${limits.lineBytesMax}`;

function done(draft: FlumeDraft): void {
  const tracked = draft.value("trackingPolicy")?.text.toLowerCase() === "tracker_dir";
  const policy = draft.value("deletePolicy");
  const immediate = policy?.text.toLowerCase() === "immediate";
  if (policy !== undefined && !immediate && policy.text.toLowerCase() !== "never") {
    draft.refuse("deletePolicy", `"${policy.text}" is none of never, immediate`);
  }
  if (immediate) draft.set("done", "delete", "deletePolicy");
  else if (tracked) draft.set("done", "tracker", "trackingPolicy");
  const tracker = draft.value("trackerDir")?.written ?? ".flumespool";
  const folder = draft.get("path");
  const inside = tracker.startsWith("/") || tracker.startsWith("${") ? tracker : `${String(folder)}/${tracker}`;
  if (folder !== undefined) draft.set("trackerFrom", inside, "trackerDir");
}

function header(draft: FlumeDraft, key: string, otherwise: string): void {
  if (draft.value(key)?.text.toLowerCase() !== "true") return;
  const named = draft.value(`${key}Key`);
  draft.set(key, named?.written ?? otherwise, named === undefined ? key : `${key}Key`);
}
