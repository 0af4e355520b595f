import { expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { registry } from "../registry.gen.ts";
import { check } from "./check.ts";
import { type Command, readArguments } from "./command.ts";
import { convert } from "./convert.ts";

const main = join(import.meta.dir, "..", "main.ts");
const within = { withinMs: 20_000 };

const conf = (folder: string) => `# a vehicle
a1.sources = r1
a1.channels = c1
a1.sinks = k1
a1.sources.r1.type = TAILDIR
a1.sources.r1.filegroups = f1
a1.sources.r1.filegroups.f1 = ${folder}/.*\\\\.log
a1.sources.r1.headers.f1.kind = driving
a1.sources.r1.positionFile = ${folder}/position.json
a1.sources.r1.interceptors = i1 i2
a1.sources.r1.interceptors.i1.type = regex_filter
a1.sources.r1.interceptors.i1.regex = ^DEBUG
a1.sources.r1.interceptors.i1.excludeEvents = true
a1.sources.r1.interceptors.i2.type = search_replace
a1.sources.r1.interceptors.i2.searchPattern = secret=\\\\w+
a1.sources.r1.interceptors.i2.replaceString = secret=***
a1.sources.r1.channels = c1
a1.channels.c1.type = file
a1.channels.c1.minimumRequiredSpace = 0
a1.sinks.k1.type = logger
a1.sinks.k1.channel = c1
a1.sinks.k1.maxBytesToLog = 100
`;

async function verb(command: Command, ...args: readonly string[]) {
  let [out, err] = ["", ""];
  const code = await command.run(readArguments(command, args), {
    registry,
    environment: { HOME: "/root" },
    outBytes: async () => {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

test("an agent of a flume.conf runs as it is, and goes on where Flume stopped", async () => {
  using dir = tempDir();
  const log = dir.file("a.log");
  writeFileSync(log, "read by Flume\nDEBUG no\nlogin secret=abc\n");
  const { ino } = statSync(log, { bigint: true });
  writeFileSync(dir.file("position.json"), `[{"inode":${ino},"pos":14,"file":"${log}"}]`);
  writeFileSync(dir.file("flume.conf"), conf(dir.path));
  const command = [
    process.execPath,
    main,
    "run",
    "--flume-conf",
    "flume.conf",
    "--name",
    "a1",
    "--data-dir",
    dir.file("data"),
  ];
  await using child = startChild({ command, cwd: dir.path });
  const printed = () => [...child.stdout.matchAll(/^\{.*"body".*$/gm)].map(([line]) => JSON.parse(line));
  await until("the line", printed, (all) => all.length >= 1, within);
  appendFileSync(log, "more\n");
  await until("one more", printed, (all) => all.length >= 2, within);
  expect(printed().map(({ body, headers }) => [body, headers.kind])).toEqual([
    ["login secret=***", "driving"],
    ["more", "driving"],
  ]);
}, 40_000);

test("what convert writes runs, and does the same", async () => {
  using dir = tempDir();
  mkdirSync(dir.file("in"));
  writeFileSync(
    dir.file("flume.conf"),
    `a1.sources = r1
a1.channels = c1 c2
a1.sinks = k1 k2
a1.sources.r1.type = spooldir
a1.sources.r1.spoolDir = ${dir.file("in")}
a1.sources.r1.basenameHeader = true
a1.sources.r1.channels = c1 c2
a1.sources.r1.interceptors = i1
a1.sources.r1.interceptors.i1.type = regex_extractor
a1.sources.r1.interceptors.i1.regex = ^(\\\\w+) (\\\\d+)
a1.sources.r1.interceptors.i1.serializers = s1 s2
a1.sources.r1.interceptors.i1.serializers.s1.name = kind
a1.sources.r1.interceptors.i1.serializers.s2.name = odd.name
a1.sources.r1.selector.type = multiplexing
a1.sources.r1.selector.header = kind
a1.sources.r1.selector.mapping.alarm = c1
a1.sources.r1.selector.default = c2
a1.channels.c1.type = memory
a1.channels.c2.type = memory
a1.sinks.k1.type = logger
a1.sinks.k1.channel = c1
a1.sinks.k1.maxBytesToLog = 100
a1.sinks.k2.type = file_roll
a1.sinks.k2.sink.directory = ${dir.file("out")}
a1.sinks.k2.channel = c2
`,
  );
  const { code, out } = await verb(convert, dir.file("flume.conf"), "--data-dir", dir.file("data"));
  expect(code).toBe(0);
  writeFileSync(
    dir.file("tailgate.yaml"),
    out.replaceAll("rollInterval: 30s", "rollInterval: 30s\n    publishAfter: 10s"),
  );
  writeFileSync(dir.file("in/a.csv"), "alarm 1\nnotice 2\nplain\n");
  await using child = startChild({ command: [process.execPath, main, "run", "tailgate.yaml"], cwd: dir.path });
  const alarms = () => [...child.stdout.matchAll(/^\{.*"body".*$/gm)].map(([line]) => JSON.parse(line));
  await until("the alarm", alarms, (all) => all.length >= 1, within);
  expect(alarms().map(({ body, headers }) => [body, headers.basename, headers["odd.name"]])).toEqual([
    ["alarm 1", "a.csv", "1"],
  ]);
  const written = () => {
    if (!existsSync(dir.file("out"))) return "";
    const names = readdirSync(dir.file("out"), { recursive: true, withFileTypes: true });
    return names
      .map((entry) => (entry.isFile() ? readFileSync(join(entry.parentPath, entry.name), "utf8") : ""))
      .join("");
  };
  await until("the others", written, (text) => text.includes("plain\n"), within);
  expect(written()).toBe("notice 2\nplain\n");
}, 40_000);

test("check says all of it at once, and --strict takes a warning for a mistake", async () => {
  using dir = tempDir();
  const file = dir.file("flume.conf");
  writeFileSync(file, `${conf(dir.path)}a1.channels.c1.transactionCapactiy = 5\na1.sources.r1.batchSize = 100\n`);
  const said = await verb(check, "--flume-conf", file, "--name", "a1");
  expect(said.code).toBe(0);
  expect(said.err).toContain(`${file}:23:1: a1.channels.c1.transactionCapactiy`);
  expect(said.err).toContain(`${file}:24:1: a1.sources.r1.batchSize: means nothing here`);
  expect((await verb(check, "--flume-conf", file, "--strict")).code).toBe(2);
  writeFileSync(file, conf(dir.path).replace("= TAILDIR", "= TAILDRI").replace("= logger", "= com.acme.Sink"));
  const wrong = await verb(check, "--flume-conf", file);
  expect(wrong.code).toBe(2);
  expect(wrong.err).toContain(
    `${file}:5:22: a1.sources.r1.type: Flume has no source of type "TAILDRI" (did you mean "TAILDIR"?)`,
  );
  expect(wrong.err).toContain("2 mistakes");
});

test("which agent is meant has to be said where there are several, and an unknown one has a neighbour", async () => {
  using dir = tempDir();
  const file = dir.file("flume.conf");
  writeFileSync(file, `${conf(dir.path)}${conf(dir.path).replaceAll("a1.", "agent2.")}`);
  expect((await verb(check, "--flume-conf", file)).err).toContain("say which with --name (agents: a1, agent2)");
  expect((await verb(check, "--flume-conf", file, "--name", "agnt2")).err).toContain('did you mean "agent2"?');
  expect((await verb(check, "--flume-conf", file, "--name", "agent2")).code).toBe(0);
  expect((await verb(check, "--flume-conf", dir.file("none"))).err).toContain("no such file");
  writeFileSync(file, "[section]\nsources = x\n");
  expect((await verb(check, "--flume-conf", file)).err).toContain("describes no agent");
});

test("variables come from the environment and from flume-env.sh beside the file", async () => {
  using dir = tempDir();
  const file = dir.file("flume.conf");
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a reference of the config.
  writeFileSync(file, conf(dir.path).replace("maxBytesToLog = 100", "maxBytesToLog = ${BYTES}"));
  expect((await verb(check, "--flume-conf", file)).err).toContain("the environment variable BYTES is not set");
  writeFileSync(
    dir.file("flume-env.sh"),
    'export BYTES=64\nexport JAVA_OPTS="-Dflume.monitoring.type=http -Dflume.monitoring.port=34545"\n',
  );
  const { code, out } = await verb(check, "--flume-conf", file, "--print");
  expect(code).toBe(0);
  expect(out).toContain("34545");
});
