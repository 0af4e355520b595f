// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configs under test hold ${…} of their own.
import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { changed, good, load, problems } from "../testing/fakes/config.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import { loadConfig } from "./load-config.ts";
import { formatProblem } from "./problem.ts";

test("a good config is complete: defaults, makers, chain and layout", () => {
  const { config, warnings } = load(good);
  expect(warnings).toEqual([]);
  expect(config).toMatchObject({
    agent: "gw-0042",
    dataDir: "/var/lib/tailgate",
    lingerMs: 1_000,
    stopTimeoutMs: 20_000,
    admin: undefined,
    log: { level: "info", format: "text" },
  });
  const source = config.sources.get("driving");
  expect(source?.channels).toEqual(["main"]);
  expect(source?.interceptors.map(({ name }) => name)).toEqual(["regex_filter", "regex_extractor"]);
  expect(config.channels.get("main")?.bytesMax).toBe(1024 ** 3);
  expect(config.sinks.get("kafka")).toMatchObject({ channel: "main", layout: { groupFixed: "driving" } });
  expect(config.sinks.get("kafka")?.make.config.brokers).toEqual(["127.0.0.1:9092"]);
});

test("every mistake is found at once, in the order of the lines", () => {
  const text = changed("agent: gw-0042", "agent: gw 42")
    .replace("type: tail", "type: tial")
    .replace("include: speed", 'include: "("')
    .replace("capacity: 1GiB", "capacty: 1GiB")
    .replace("channel: main", "channel: mian")
    .replace("topic: driving", "topic: 5");
  expect(problems(text).map((line) => line.split(":").slice(1, 2).join())).toEqual([
    "1",
    "5",
    "8",
    "12",
    "12",
    "16",
    "18",
  ]);
});

test("a part that names nothing is one mistake, and a missing one another", () => {
  expect(problems("agent: a\ndataDir: /x\nsources: {}\nchannels: {}\n")).toEqual([
    "tailgate.yaml:1:1: sinks: is missing (The sinks, by name.)",
    "tailgate.yaml:3:10: sources: names none; one is needed",
    "tailgate.yaml:4:11: channels: names none; one is needed",
  ]);
});

test.each(["", "just a text", "- a\n- list\n", "a: [1\nb: 2", "a: b: c", "\tx: 1"])(
  "the file %p is refused with a place",
  (text) => {
    const found = problems(text);
    expect(found.length).toBeGreaterThan(0);
    for (const line of found) expect(line).toMatch(/^tailgate\.yaml:\d+:\d+: /);
  },
);

test("an alias that multiplies itself is refused instead of filling the memory", () => {
  const levels = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (const [before, name] of ["ab", "bc", "cd", "de", "ef", "fg"].map((pair) => [...pair])) {
    levels.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(",")}]`);
  }
  expect(problems(levels.join("\n")).join("\n")).toMatch(/more than 100000 values|alias/i);
});

test("what comes from the environment is a text where a text belongs, and a number where a number does", () => {
  const text = changed(
    "topic: driving",
    "topic: driving\n    sasl:\n      user: gw\n      password: ${PASSWORD}",
  ).replace("type: tail\n", "type: tail\n    lines: '${LINES}'\n    pollInterval: ${POLL}\n");
  const { config } = load(text, { PASSWORD: "0123", LINES: "8", POLL: "250" });
  expect(config.sinks.get("kafka")?.make.config.sasl).toEqual({ user: "gw", password: "0123" });
  expect(config.sources.get("driving")?.make.config).toMatchObject({ lines: 8, pollInterval: 250 });
});

test("what comes from the environment cannot change the structure", () => {
  const { config } = load(changed("topic: driving", "topic: ${TOPIC}"), { TOPIC: "a\n    brokers: [evil]" });
  expect(config.sinks.get("kafka")?.make.config).toMatchObject({
    topic: "a\n    brokers: [evil]",
    brokers: ["127.0.0.1:9092"],
  });
});

test("an empty variable takes its default, and $${ stays a plain one", () => {
  const { config } = load(changed("topic: driving", "topic: 'a-${T:-b}-$${c}'"), { T: "" });
  expect(config.sinks.get("kafka")?.make.config.topic).toBe("a-b-${c}");
});

test("relative paths mean the folder of the config", () => {
  expect(load(changed("/var/lib/tailgate", "data")).config.dataDir).toBe("/etc/tailgate/data");
});

test("two interceptors of a type get names of their own", () => {
  const text = changed(
    "- { type: regex_filter, include: speed }",
    "- { type: regex_filter, include: a }\n      - { type: regex_filter, include: b }",
  );
  const names = load(text)
    .config.sources.get("driving")
    ?.interceptors.map(({ name }) => name);
  expect(names).toEqual(["regex_filter", "regex_filter-2", "regex_extractor"]);
});

test("what is allowed but perhaps not wanted is said as a warning", () => {
  const text = changed("type: sqlite", "type: memory")
    .replace("include: speed", 'include: "(a+)+$"')
    .replace("agent: gw-0042", "agent: gw-0042\nadmin: { address: '0.0.0.0:9464' }")
    .replace("channels:\n  main", "channels:\n  left: { type: sqlite }\n  main")
    .replace("sinks:\n", "sinks:\n  last: { type: kafka, channel: left, brokers: [b], topic: left }\n");
  const { warnings } = load(text);
  expect(warnings.map(({ line, key, message }) => `${line} ${key}: ${message}`)).toEqual([
    "2 admin.address: the admin HTTP asks for no password and listens beyond this machine",
    "9 sources.driving.interceptors[0].include: this pattern could stall the flow (exponential); it runs on the safe engine, several times slower",
    "13 channels.left: no source feeds this channel: what it holds is delivered, and nothing comes",
    "14 channels.main.type: a memory channel forgets what it holds when the process ends",
  ]);
  // True of whatever feeds it: what was pushed here is nowhere to be read again.
  expect(warnings.find(({ key }) => key === "channels.main.type")?.hint).toContain("is lost with the channel");
});

test("what is shown of a config has its defaults and none of its secrets", () => {
  const { effective } = load(changed("topic: driving", "topic: driving\n    sasl: { user: gw, password: hunter2 }"));
  const text = JSON.stringify(effective);
  expect(text).not.toContain("hunter2");
  expect(text).toContain('"password":"***"');
  expect(effective).toMatchObject({ linger: "1000ms", sources: { driving: { start: "beginning" } } });
});

test("a config that cannot be read is a problem, not an exception", () => {
  const loaded = loadConfig("/nonexistent/tailgate.yaml", fakeRegistry, {});
  expect(loaded.ok ? [] : loaded.problems.map(formatProblem).join()).toContain("ENOENT");
});

test("a config that is not there, or is a folder, says what to do about it", () => {
  using dir = tempDir();
  const said = (path: string) => {
    const loaded = loadConfig(path, fakeRegistry, {});
    return loaded.ok ? "" : loaded.problems.map(formatProblem).join();
  };
  expect(said(dir.file("tailgate.yaml"))).toContain("tailgate init");
  expect(said(dir.path)).toContain("it is a folder");
});

test("a pipe in the place of the config, or of a secret, is refused at a reload: nobody waits", () => {
  using dir = tempDir();
  const said = (path: string) => {
    const loaded = loadConfig(path, fakeRegistry, {}, "refuse");
    return loaded.ok ? "" : loaded.problems.map(formatProblem).join();
  };
  Bun.spawnSync(["mkfifo", dir.file("fifo")]);
  expect(said(dir.file("fifo"))).toMatch(/it is a FIFO, .* read at the start.*name a regular file/);
  writeFileSync(dir.file("tailgate.yaml"), good.replace("topic: driving", "topic: $" + "{file:fifo}"));
  expect(said(dir.file("tailgate.yaml"))).toMatch(/:\d+:\d+: sinks\.\S+topic: read the secret from .* it is a FIFO, /);
});

test("nothing is touched on disk, be the config right or wrong", () => {
  using dir = tempDir();
  for (const text of [good, good.replace("type: tail", "type: tial")]) {
    writeFileSync(dir.file("tailgate.yaml"), text.replace("/var/lib/tailgate", "data"));
    loadConfig(dir.file("tailgate.yaml"), fakeRegistry, {});
    expect(readdirSync(dir.path)).toEqual(["tailgate.yaml"]);
  }
});

test("a key that is there twice hides no other mistake", () => {
  const text = good.replace("type: tail", "type: tial").replace("topic: driving", "topic: driving\n    topic: other");
  const found = problems(text).map((problem) => problem.slice(problem.indexOf(" ") + 1));
  expect(found[0]).toStartWith('sources.driving.type: no source is of type "tial"');
  expect(found[1]).toBe('the key "topic" is there twice');
});

test("a duration without a unit is taken as milliseconds, and that is said", () => {
  const text = good.replace(/^linger: .*$/m, "").replace("agent: gw-0042", "agent: gw-0042\nlinger: 5");
  const { warnings, config } = load(text);
  expect(config.lingerMs).toBe(5);
  expect(warnings.map(({ key, message }) => `${key}: ${message}`)).toEqual([
    "linger: 5 has no unit: it is taken as 5 milliseconds",
  ]);
});

test("events are shown on a Unix socket, on loopback where it is said (with a warning), and nowhere else", () => {
  const tapOf = (admin: string) => {
    const { config, warnings } = load(changed("agent: gw-0042", `agent: gw-0042\nadmin: ${admin}`));
    return [config.tap, warnings.map(({ key }) => key)];
  };
  expect(tapOf('{ address: "/run/tailgate/admin.sock" }')).toEqual([true, []]);
  expect(tapOf('{ address: "/run/tailgate/admin.sock", tap: false }')).toEqual([false, []]);
  expect(tapOf('{ address: "127.0.0.1:9464" }')).toEqual([false, []]);
  expect(tapOf('{ address: "127.0.0.1:9464", tap: true }')).toEqual([true, ["admin.tap"]]);
  expect(tapOf('{ address: "0.0.0.0:9464" }')).toEqual([false, ["admin.address"]]);
  expect(load(good).config.tap).toBe(false);
});
