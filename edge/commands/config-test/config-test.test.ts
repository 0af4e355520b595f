import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { visible } from "../../../shared/telemetry/visible.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { registry } from "../../registry.gen.ts";
import { readArguments } from "../command.ts";
import { configTest } from "./verb.ts";

/** A source that filters, extracts and routes; `tests` stands at its end. */
function config(tests: string, interceptors = ""): string {
  return `agent: gw
dataDir: /var/lib/tailgate
sources:
  driving:
    type: tail
    paths: [/var/log/x.log]
    interceptors:
      - { type: regex_filter, name: no-debug, exclude: debug }
      - { type: regex_extractor, key: '"car":"([^"]+)"', headers: { kind: '"kind":"([^"]+)"' } }
${interceptors}    selector: { type: multiplexing, header: kind, mapping: { alarm: [urgent, main] }, default: main }
    channels: [main, urgent]
channels:
  main: { type: sqlite, capacity: 1GiB }
  urgent: { type: sqlite, capacity: 1GiB }
sinks:
  one: { type: "null", channel: main }
  two: { type: "null", channel: urgent }
${tests}`;
}

async function run(text: string, ...args: readonly string[]) {
  using dir = tempDir();
  writeFileSync(dir.file("t.yaml"), text, { mode: 0o600 });
  let out = "";
  let err = "";
  const code = await configTest.run(readArguments(configTest, [dir.file("t.yaml"), ...args]), {
    registry,
    environment: {},
    outBytes: async () => {},
    out: (each) => {
      out += each;
    },
    err: (each) => {
      err += each;
    },
  });
  return { code, out: out.replaceAll(`${dir.path}/`, ""), err: err.replaceAll(`${dir.path}/`, "") };
}

const green = `tests:
  - name: an alarm goes to both
    source: driving
    events:
      - body: '{"car":"car-1","kind":"alarm"}'
        headers: { file: x.log }
        expect: { key: car-1, headers: { kind: alarm, file: x.log, other: null }, channels: [urgent, main] }
      - { body: a debug line, expect: { filtered: no-debug } }
      - { bodyBase64: /w==, expect: { bodyBase64: /w==, key: null, channels: main } }
`;

test("what comes out as expected is green: bodies, headers, keys, channels, what is filtered", async () => {
  expect(await run(config(green))).toEqual({
    code: 0,
    out: "ok    driving: an alarm goes to both\n1 passed, 0 failed\n",
    err: "",
  });
});

test("what does not is red: each event with its place, and both sides of each difference", async () => {
  const red = green
    .replace("key: car-1", "body: other, key: car-2")
    .replace("file: x.log, other: null", "file: null, other: here")
    .replace("[urgent, main] }", "[main] }")
    .replace("filtered: no-debug", "channels: main")
    .replace("bodyBase64: /w==, key", "body: \uFFFD, key");
  const { code, out } = await run(config(red));
  expect(code).toBe(1);
  expect(out).toBe(
    `FAIL  driving: an alarm goes to both
    t.yaml:22:9: event 1: "{\\"car\\":\\"car-1\\",\\"kind\\":\\"alarm\\"}"
      - body: "other"
      + body: "{\\"car\\":\\"car-1\\",\\"kind\\":\\"alarm\\"}"
      - key: "car-2"
      + key: "car-1"
      - header file: none
      + header file: "x.log"
      - header other: "here"
      + header other: none
      - channels: main
      + channels: main, urgent
    t.yaml:25:9: event 2: "a debug line"
      - outcome: comes through
      + outcome: filtered by no-debug
    t.yaml:26:9: event 3: "\uFFFD"
      - bodyBase64: "77+9"
      + bodyBase64: "/w=="
0 passed, 1 failed
`
      .replaceAll('bodyBase64: "', "bodyBase64: ")
      .replaceAll(/(77\+9|\/w==)"/g, "$1"),
  );
});

test("an event that must be filtered and comes through says where to", async () => {
  const { code, out } = await run(config(green.replace("a debug line", "a line")));
  expect(code).toBe(1);
  expect(out).toContain("- outcome: filtered by no-debug\n      + outcome: comes through to main\n");
});

test("what a test prints is neutral, whatever an event holds", async () => {
  const { out } = await run(config(green.replace("a debug line", '"\\e]0;owned\\a"')));
  expect(out).toContain("owned");
  expect(visible(out, true)).toBe(out);
});

test("--json says the same for machines", async () => {
  const { code, out } = await run(config(green.replace("key: car-1", "key: car-2")), "--json");
  expect(code).toBe(1);
  expect(JSON.parse(out)).toEqual({
    passed: 0,
    failed: 1,
    tests: [
      {
        name: "an alarm goes to both",
        source: "driving",
        events: 3,
        failures: [
          {
            event: 1,
            line: 22,
            column: 9,
            body: '{"car":"car-1","kind":"alarm"}',
            differences: [{ what: "key", expected: '"car-2"', actual: '"car-1"' }],
          },
        ],
      },
    ],
  });
});

test("time is the test's: what is remembered is forgotten when the clock moves, and with the test", async () => {
  const tests = `tests:
  - name: a repeat within the window goes
    source: driving
    events:
      - { body: same, time: "2026-05-01T00:00:00Z", expect: { time: "2026-05-01T02:00:00+02:00" } }
      - { body: same, time: "2026-05-01T00:00:09Z", expect: { filtered: deduplicate } }
      - { body: same, time: "2026-05-01T00:00:10Z", expect: {} }
  - name: another test remembers nothing of it
    source: driving
    events: [{ body: same, expect: {} }]
`;
  const { code, out } = await run(config(tests, "      - { type: deduplicate, window: 10s }\n"));
  expect({ code, last: out.split("\n").at(-2) }).toEqual({ code: 0, last: "2 passed, 0 failed" });
});

test("a module that throws is red, though an agent would keep the event", async () => {
  using dir = tempDir();
  const module = dir.file("broken.ts");
  writeFileSync(module, 'export default () => () => { throw new Error("a typo"); };\n', { mode: 0o600 });
  const { code, out } = await run(config(green, `      - { type: module, path: ${module} }\n`), "--force");
  expect(code).toBe(1);
  expect(out).toMatch(/- errors: none\n {6}\+ errors: An interceptor module threw.*a typo/);
});

test("a config with mistakes, also in its tests, or without tests is exit code 2, and nothing runs", async () => {
  const wrong = green
    .replace("source: driving", "source: drivin")
    .replace("car-1, headers", "car-1, heders")
    .replace("body: a debug line", "body: a, bodyBase64: YQ==");
  const { code, out, err } = await run(config(wrong));
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain('tests[0].events[0].expect.heders: unknown key "heders"');
  expect(err).toContain("`body` and `bodyBase64` say the same");
  const names = green
    .replace("source: driving", "source: drivin")
    .replace("[urgent, main]", "[urgnt]")
    .replace("filtered: no-debug", "filtered: nodebug");
  expect((await run(config(names))).err).toContain('tests[0].source: there is no source "drivin"');
  const second = await run(config(names.replace("source: drivin", "source: driving")));
  expect(second.code).toBe(2);
  expect(second.err).toContain('"urgnt" is not a channel of source "driving"');
  expect(second.err).toContain('source "driving" has no interceptor "nodebug"');
  expect(await run(config(""))).toMatchObject({ code: 2, err: "t.yaml has no tests: write some under `tests:`\n" });
});
