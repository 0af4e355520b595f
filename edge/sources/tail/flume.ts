import {
  asMs,
  asText,
  asWord,
  type FlumeDraft,
  type FlumeMapping,
  type FlumePart,
  literal,
} from "../../core/flume-mapping.ts";

const paced = "lines are committed by the agent's linger and by size";
const watched = "folders are watched, and polled";

const taildir: FlumeMapping = {
  names: ["TAILDIR", "org.apache.flume.source.taildir.TaildirSource"],
  keys: {
    filegroups: { by: "`paths`" },
    "filegroups.*": { by: "`paths`: a folder, and a regular expression of the names in it, as a glob where it is one" },
    "headers.*": { by: "a `static` interceptor; groups whose headers differ become sources of their own" },
    positionFile: { by: "`positionsFrom`: read once, then positions are in the channel file" },
    skipToEnd: { to: "start", as: asWord({ true: "end", false: "beginning" }) },
    idleTimeout: { to: "partialLineAfter", as: asMs },
    fileHeader: { by: "`fileHeader`" },
    fileHeaderKey: { by: "`fileHeader`" },
    byteOffsetHeader: { refused: "the header `byteoffset` is not carried yet", unless: ["false"] },
    batchSize: { nothing: paced },
    maxBatchCount: { nothing: "files are read in turn, however fast one grows" },
    writePosInterval: { nothing: "positions are stored with the lines, in one transaction" },
    backoffSleepIncrement: { nothing: watched },
    maxBackoffSleep: { nothing: watched },
    cachePatternMatching: { nothing: watched },
  },
  // Flume closes a file after two idle minutes, and takes its half line then; it takes `\r\n` as a line end.
  start: { paths: [], partialLineAfter: "120s", stripCarriageReturn: true },
  differences: [
    "A file that was renamed, copied or truncated goes on where it was: Flume reads a renamed file again.",
    "A line longer than `lineBytesMax` is cut, marked and counted.",
  ],
  headers: (draft) => {
    const named = draft.get("fileHeader");
    return typeof named === "string" ? [named] : [];
  },
  finish,
};

/** For `defineSource`. */
export const mappings: readonly FlumeMapping[] = [taildir];

interface Group {
  readonly name: string;
  readonly paths: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}

function finish(draft: FlumeDraft): void {
  if (draft.value("fileHeader")?.text.toLowerCase() === "true") {
    const key = draft.value("fileHeaderKey");
    const reading = key === undefined ? undefined : asText(key);
    draft.set(
      "fileHeader",
      reading?.ok === true ? reading.value : "file",
      key === undefined ? "fileHeader" : "fileHeaderKey",
    );
  }
  const positions = draft.value("positionFile");
  draft.set(
    "positionsFrom",
    positions === undefined ? `${literal(draft.home)}/.flume/taildir_position.json` : draft.path(positions.written),
    "positionFile",
  );
  const groups = groupsOf(draft);
  draft.set(
    "paths",
    groups.flatMap(({ paths }) => paths),
    "filegroups",
  );
  const parts = partsOf(groups);
  if (parts.length > 1) draft.note("its file groups set different headers: each is a source of its own here");
  draft.divide(parts);
}

function groupsOf(draft: FlumeDraft): readonly Group[] {
  const names = draft.value("filegroups")?.text.split(/\s+/) ?? [];
  const described = draft.below("filegroups.");
  for (const name of described.keys()) {
    if (!names.includes(name)) draft.doubt(`filegroups.${name}`, "is not in `filegroups`; Flume does not read it");
  }
  const headers = draft.below("headers.");
  return names.flatMap((name) => {
    const path = described.get(name);
    if (path === undefined) {
      draft.doubt("filegroups", `the group "${name}" has no path; Flume leaves it out`);
      return [];
    }
    const regex = path.text.slice(path.text.lastIndexOf("/") + 1);
    if (/^[*?+]/.test(regex)) {
      const hint = `it is a regular expression, as in "${regex.replaceAll(".", "\\.").replaceAll("*", ".*")}"`;
      draft.refuse(`filegroups.${name}`, `"${regex}" is a glob; Flume does not start such a source`, hint);
      return [];
    }
    const own: Record<string, string> = {};
    for (const [key, value] of headers) if (key.startsWith(`${name}.`)) own[key.slice(name.length + 1)] = value.written;
    return [{ name, paths: [draft.path(pathOf(path.written))], headers: own }];
  });
}

/** Groups with equal headers are one source. What an earlier group asks for, a later one leaves alone: a file is read once. */
function partsOf(groups: readonly Group[]): readonly FlumePart[] {
  const byHeaders = Map.groupBy(groups, ({ headers }) => JSON.stringify(Object.entries(headers).toSorted()));
  const before: string[] = [];
  return [...byHeaders.values()].map((same) => {
    const paths = same.flatMap((group) => group.paths);
    const folders = new Set(paths.map(folderOf));
    const exclude = before.filter((path) => folders.has(folderOf(path)));
    before.push(...paths);
    return {
      suffix: byHeaders.size === 1 ? "" : `-${same.map(({ name }) => name).join("-")}`,
      config: { paths, ...(exclude.length === 0 ? {} : { exclude }) },
      headers: same[0]?.headers ?? {},
    };
  });
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** Flume's path has a regular expression for its last part; a glob says the same where it can, and reads better. */
function pathOf(written: string): string {
  const at = written.lastIndexOf("/");
  const [folder, name] = [written.slice(0, at + 1), written.slice(at + 1)];
  // In a folder's name nothing is a pattern.
  const plain = folder
    .replaceAll(/[*?[\]{}\\]/g, "\\$&")
    .replaceAll("$\\{", "${")
    .replaceAll(/(\$\{[^}\\]*)\\\}/g, "$1}");
  return `${plain}${nameOf(name)}`;
}

function nameOf(regex: string): string {
  // A name, whose dots are meant as dots whatever they mean to Java.
  if (/^[\w-]+(?:\\?\.[\w-]+)*$/.test(regex)) return regex.replaceAll("\\.", ".");
  const glob = globOf(regex);
  return glob ?? `regex:${regex}`;
}

function globOf(regex: string): string | undefined {
  let glob = "";
  let rest = regex;
  while (rest !== "") {
    const [whole = "", any, escaped, plain] = /^(?:(\.[*+]?)|\\([.\-_])|([\w-]+))(?![*+?{])/.exec(rest) ?? [];
    if (whole === "") return undefined;
    if (any === ".*") glob += "*";
    else if (any === ".+") glob += "?*";
    else if (any === ".") glob += "?";
    else glob += escaped ?? plain ?? "";
    rest = rest.slice(whole.length);
  }
  return glob;
}
