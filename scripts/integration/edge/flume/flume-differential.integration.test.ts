// biome-ignore-all lint/suspicious/noTemplateCurlyInString: flume.conf has references of its own.
/**
 * One flume.conf, as it is, run by a real Flume 1.11 and by Tailgate over the same input: the same events, headers, routing and
 * files. Both send to one collector, each to a port of its own. What differs is asserted, too, so that one that goes away shows.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Child, startChild } from "../../../../shared/testing/child.ts";
import { freePort } from "../../../../shared/testing/free-port.ts";
import { tempDir } from "../../../../shared/testing/temp-dir.ts";
import { until } from "../../../../shared/testing/until.ts";
import { Flume, linesBelow } from "../../../drivers/flume/flume.ts";

const main = join(import.meta.dir, "../../../../edge/main.ts");
const within = { withinMs: 90_000, everyMs: 100 };

/** Tailgate's records carry a header that says which event of which agent it is. Times of reading are compared by their form. */
const identityHeader = "tg";

/** Flows of their own: tailed groups, spooled files by content, what comes over the network. Quirks included. */
const conf = `# \u65e5\u5fd7
a.sources = tail spool net http sys
a.channels = c-tail c-ca c-az c-rest c-net c-http c-sys c-unused
a.sinks : k-tail k-ca k-az k-rest k-net k-http k-sys

a.sources.tail.type = org.apache.flume.source.taildir.TaildirSource
a.sources.tail.filegroups = app \\
    audit
a.sources.tail.filegroups.app = \${env:ROOT}/logs/app.*\\\\.log
a.sources.tail.filegroups.audit = \${env:ROOT}/logs/(audit|secure)-\\\\d+\\\\.log
a.sources.tail.headers.app.kind = application
a.sources.tail.headers.audit.kind = audit
a.sources.tail.headers.audit.level = \\u00fcber
a.sources.tail.positionFile = \${env:ROOT}/position.json
a.sources.tail.fileHeader = true
a.sources.tail.fileHeaderKey = path
a.sources.tail.channels = c-tail
a.sources.tail.interceptors = drop mask mark when
a.sources.tail.interceptors.drop.type = REGEX_FILTER
a.sources.tail.interceptors.drop.regex = ^DEBUG\\\\b
a.sources.tail.interceptors.drop.excludeEvents = true
a.sources.tail.interceptors.mask.type = org.apache.flume.interceptor.SearchAndReplaceInterceptor$Builder
a.sources.tail.interceptors.mask.searchPattern = (user)=(\\\\w+)
a.sources.tail.interceptors.mask.replaceString = $1=<$2>
a.sources.tail.interceptors.mark.type = static
a.sources.tail.interceptors.mark.key = kind
a.sources.tail.interceptors.mark.value = never, it is there already
a.sources.tail.interceptors.when.type = timestamp
a.sources.tail.interceptors.when.headerName = read

a.sources.spool.type = spooldir
a.sources.spool.spoolDir = \${env:ROOT}/spool
a.sources.spool.ignorePattern = .*\\\\.skip
a.sources.spool.channels = c-ca c-az c-rest
a.sources.spool.interceptors = parts
a.sources.spool.interceptors.parts.type = regex_extractor
a.sources.spool.interceptors.parts.regex = state=(\\\\w+) code=(\\\\d+)
a.sources.spool.interceptors.parts.serializers = s1 s2
a.sources.spool.interceptors.parts.serializers.s1.name = State
a.sources.spool.interceptors.parts.serializers.s2.name = odd.name
a.sources.spool.selector.type = multiplexing
a.sources.spool.selector.header = State
a.sources.spool.selector.mapping.CA = c-ca
a.sources.spool.selector.mapping.AZ = c-ca c-az
a.sources.spool.selector.default = c-rest

a.sources.net.type = netcat
a.sources.net.bind = 127.0.0.1
a.sources.net.port = \${env:NETCAT}
a.sources.net.channels = c-net
a.sources.http.type = http
a.sources.http.bind = 127.0.0.1
a.sources.http.port = \${env:HTTP}
a.sources.http.channels = c-http
a.sources.sys.type = syslogtcp
a.sources.sys.host = 127.0.0.1
a.sources.sys.port = \${env:SYSLOG}
a.sources.sys.channels = c-sys

a.channels.c-tail.type = memory
a.channels.c-tail.capacity = 10000
a.channels.c-tail.transactionCapactiy = 1000
a.channels.c-ca.type = memory
a.channels.c-az.type = memory
a.channels.c-rest.type = memory
a.channels.c-net.type = memory
a.channels.c-http.type = memory
a.channels.c-sys.type = memory

${["tail", "http", "sys"]
  .map(
    (name) => `a.sinks.k-${name}.type = avro
a.sinks.k-${name}.channel = c-${name}
a.sinks.k-${name}.hostname = 127.0.0.1
a.sinks.k-${name}.port = \${env:COLLECTOR}
`,
  )
  .join("")}
${["ca", "az", "rest", "net"]
  .map(
    (name) => `a.sinks.k-${name}.type = file_roll
a.sinks.k-${name}.channel = c-${name}
a.sinks.k-${name}.sink.directory = \${env:ROOT}/out/${name}
a.sinks.k-${name}.sink.rollInterval = 0
`,
  )
  .join("")}`;

interface Ground {
  readonly root: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Seen {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const dir = tempDir();
const places: Ground[] = [];
const shown: (Seen & { readonly stream: string })[] = [];
const running: Child[] = [];
let flume: Flume | undefined;

async function place(name: string, collector: number): Promise<Ground> {
  const root = dir.file(name);
  for (const folder of ["logs", "spool", "out/ca", "out/az", "out/rest", "out/net"])
    mkdirSync(join(root, folder), { recursive: true });
  const [NETCAT, HTTP, SYSLOG] = [String(await freePort()), String(await freePort()), String(await freePort())];
  return { root, env: { ROOT: root, COLLECTOR: String(collector), NETCAT, HTTP, SYSLOG } };
}

function start(args: readonly string[], env: Readonly<Record<string, string>>, onLine?: (line: string) => void): void {
  const command = [process.execPath, main, "run", ...args];
  running.push(startChild({ command, cwd: dir.path, env, ...(onLine === undefined ? {} : { onLine }) }));
}

async function send(port: string | undefined, text: string): Promise<void> {
  const socket = await until(
    `port ${port}`,
    () =>
      new Promise<ReturnType<typeof connect> | undefined>((resolve) => {
        const tried = connect(Number(port), "127.0.0.1");
        tried.once("connect", () => resolve(tried)).once("error", () => resolve(undefined));
      }),
    (found) => found !== undefined,
    within,
  );
  socket?.write(text);
  await Bun.sleep(500);
  socket?.end();
}

async function post(port: string | undefined, text: string): Promise<number> {
  try {
    return (
      await fetch(`http://127.0.0.1:${port}/`, {
        method: "POST",
        body: text,
        headers: { "content-type": "application/json; charset=utf-8" },
      })
    ).status;
  } catch {
    return 0;
  }
}

beforeAll(async () => {
  const collectors = [await freePort(), await freePort()];
  for (const [index, name] of ["flume", "ours"].entries()) places.push(await place(name, collectors[index] ?? 0));
  writeFileSync(
    dir.file("collector.yaml"),
    `agent: collector
dataDir: ${dir.file("collector")}
linger: 20ms
sources:
  flume: { type: avro, address: "127.0.0.1:${collectors[0]}", channels: c }
  ours: { type: avro, address: "127.0.0.1:${collectors[1]}", channels: c }
channels:
  c: { type: sqlite, freeDisk: 0, identity: false }
sinks:
  k: { type: logger, maxBytesToLog: 100000, channel: c }
`,
  );
  start([dir.file("collector.yaml")], {}, (line) => {
    if (line.startsWith("{") && line.endsWith("}")) shown.push(JSON.parse(line));
  });
  const [theirs, ours] = places;
  writeFileSync(dir.file("flume.conf"), conf);
  flume = await Flume.start(dir.file("flume-home"), "a", conf, theirs?.env);
  start(["--flume-conf", dir.file("flume.conf"), "--name", "a", "--data-dir", dir.file("data")], ours?.env ?? {});
  for (const { root, env } of places) {
    const log = (name: string, text: string) => appendFileSync(join(root, "logs", name), text);
    log(
      "app-1.log",
      "one user=KA\\nDEBUG no\\n  blanks \\ntwo\\n\\nuser=a user=b\\r\\n"
        .replaceAll("\\n", "\n")
        .replaceAll("\\r", "\r"),
    );
    log("audit-12.log", "n\u00f6rd \u65e5\u5fd7\n");
    log("secure-x.log", "not asked for\n");
    const spooled = "state=CA code=1\nstate=AZ code=22\nstate=TX code=3\nno state\n";
    writeFileSync(join(root, "new"), spooled);
    renameSync(join(root, "new"), join(root, "spool", "a.csv"));
    writeFileSync(join(root, "spool", "b.skip"), "not asked for\n");
    await send(env.NETCAT, "over tcp\nand again\n");
    await send(
      env.SYSLOG,
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed\n<13>1 2003-10-11T22:14:15.003Z host.example app - - - hello\nno syslog\n",
    );
    const events = [
      { headers: { a: "1", "odd.name": "\u00fc" }, body: "by http" },
      { headers: {}, body: "two\nlines" },
    ];
    await until(
      "HTTP to be answered",
      () => post(env.HTTP, JSON.stringify(events)),
      (status) => status === 200,
      within,
    );
  }
}, 180_000);

afterAll(async () => {
  for (const child of running) await child.kill();
  await flume?.end("SIGKILL");
  dir[Symbol.dispose]();
});

/** An event without what is another for each of them. */
function comparable({ headers, body }: Seen, { root }: Ground): string {
  const kept: Record<string, string> = {};
  // On what is no syslog Flume leaves the priority and version of the message before.
  const stale = headers["flume.syslog.status"] === "Invalid" ? ["priority", "version"] : [];
  for (const [name, value] of Object.entries(headers)) {
    if (stale.includes(name)) continue;
    if (name === "read") kept[name] = /^\d{13}$/.test(value) ? "a time" : value;
    else if (name !== identityHeader) kept[name] = value.replaceAll(root, "ROOT");
  }
  return JSON.stringify([Object.entries(kept).sort(), body]);
}

function sent(stream: "flume" | "ours", wanted: (event: Seen) => boolean): readonly string[] {
  const at = places[stream === "flume" ? 0 : 1];
  if (at === undefined) return [];
  return shown
    .filter((event) => event.stream === stream && wanted(event))
    .map((event) => comparable(event, at))
    .sort();
}

const ofTail = ({ headers }: Seen) => headers.path !== undefined;
const ofHttp = ({ body }: Seen) => body === "by http" || body.startsWith("two\n");
const ofSyslog = (event: Seen) => !ofTail(event) && !ofHttp(event);

test.each([
  ["tailed groups with their headers and interceptors", ofTail, 6],
  ["events over HTTP", ofHttp, 2],
  ["messages of syslog", ofSyslog, 3],
])("%s are the same", async (what, wanted, count) => {
  await until(
    `${what}`,
    () => [sent("flume", wanted).length, sent("ours", wanted).length],
    ([theirs = 0, ours = 0]) => theirs >= count && ours >= count,
    within,
  );
  expect(sent("ours", wanted)).toEqual(sent("flume", wanted));
  expect(sent("ours", wanted)).toHaveLength(count);
});

test.each([
  ["ca", ["state=AZ code=22", "state=CA code=1"]],
  ["az", ["state=AZ code=22"]],
  ["rest", ["no state", "state=TX code=3"]],
  ["net", ["and again", "over tcp"]],
])("files of the channel %s hold the same lines", async (channel, lines) => {
  const found = () => places.map(({ root }) => linesBelow(join(root, "out", channel)).toSorted());
  await until("the lines", found, (all) => all.every((each) => each.length >= lines.length), within);
  expect(found()).toEqual([lines, lines]);
});

test("what differs: one header more, the identity of our records", async () => {
  const names = (stream: "flume" | "ours") =>
    new Set(shown.filter((event) => event.stream === stream).flatMap(({ headers }) => Object.keys(headers)));
  const [theirs, ours] = [names("flume"), names("ours")];
  expect([...ours.difference(theirs)]).toEqual([identityHeader]);
  expect([...theirs.difference(ours)]).toEqual([]);
});
