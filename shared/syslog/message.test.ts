import { describe, expect, test } from "bun:test";
import { SyslogMessage, type SyslogOptions, withKeptFields } from "./message.ts";

const now = () => Date.UTC(2026, 10, 26, 12);
const utc = (text: string) => Date.parse(text);

function parse(text: string | Buffer, options: Partial<SyslogOptions> = {}) {
  const message = new SyslogMessage({ timeZone: "utc", now, ...options });
  const bytes = Buffer.from(text);
  // In the middle of a larger buffer, as in life.
  const buffer = Buffer.concat([Buffer.from("<1>before\n"), bytes, Buffer.from("\n<2>after Nov 26 host")]);
  message.parse(buffer, 10, 10 + bytes.length);
  const body = buffer.toString("utf8", message.bodyStart, 10 + bytes.length);
  const { facility, severity, version, timeMs, host, isValid, hasHeader } = message;
  return { pri: [facility, severity], version, timeMs, host, body, isValid, hasHeader };
}

describe("the examples of RFC 3164", () => {
  test.each([
    [
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
      {
        pri: [4, 2],
        timeMs: utc("2026-10-11T22:14:15Z"),
        host: "mymachine",
        body: "su: 'su root' failed for lonvick on /dev/pts/8",
      },
    ],
    // Without a priority it is relayed as it is, and a receiver cannot know more.
    ["Use the BFG!", { isValid: false, hasHeader: false, body: "Use the BFG!" }],
    [
      "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
      { pri: [1, 5], timeMs: utc("2026-02-05T17:32:18Z"), host: "10.0.0.99", body: "Use the BFG!" },
    ],
    // A time in another form than the RFC's: priority alone.
    [
      "<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the do-nuts.",
      { pri: [20, 5], timeMs: utc("2026-08-24T05:34:00Z"), host: "CST" },
    ],
    [
      "<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
      { pri: [0, 0], isValid: true, hasHeader: false, host: "" },
    ],
  ])("%s", (text, expected) => {
    expect(parse(text)).toMatchObject(expected);
  });
});

describe("the examples of RFC 5424", () => {
  const root = "su - ID47 - \uFEFF'su root' failed for lonvick on /dev/pts/8";
  test.each([
    [
      `<34>1 2003-10-11T22:14:15.003Z mymachine.example.com ${root}`,
      { pri: [4, 2], version: "1", timeMs: utc("2003-10-11T22:14:15.003Z"), host: "mymachine.example.com", body: root },
    ],
    [
      "<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the do-nuts.",
      {
        pri: [20, 5],
        timeMs: utc("2003-08-24T12:14:15.000Z"),
        host: "192.0.2.1",
        body: "myproc 8710 - - %% It's time to make the do-nuts.",
      },
    ],
    [
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] \uFEFFAn application event log entry...',
      { host: "mymachine.example.com", hasHeader: true },
    ],
    [
      '<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"][examplePriority@32473 class="high"]',
      { host: "mymachine.example.com", hasHeader: true },
    ],
    ["<34>1 1985-04-12T23:20:50.52Z h a - - -", { timeMs: utc("1985-04-12T23:20:50.520Z") }],
    ["<34>1 1985-04-12T19:20:50.52-04:00 h a - - -", { timeMs: utc("1985-04-12T23:20:50.520Z") }],
    ["<34>1 2003-10-11T22:14:15.003Z h a - - -", { timeMs: utc("2003-10-11T22:14:15.003Z") }],
    ["<34>1 2003-08-24T05:14:15.000003-07:00 h a - - -", { timeMs: utc("2003-08-24T12:14:15.000Z") }],
    // Nanoseconds are not the RFC's, and devices send them.
    ["<34>1 2003-08-24T05:14:15.000000003-07:00 h a - - -", { timeMs: utc("2003-08-24T12:14:15.000Z") }],
    ["<34>1 - - a - - -", { timeMs: undefined, host: "", hasHeader: true, body: "a - - -" }],
  ])("%s", (text, expected) => {
    expect(parse(text)).toMatchObject(expected);
  });
});

describe("what devices send beside that", () => {
  test.each([
    [
      "<13>2026-11-26T10:00:00.123456+01:00 web-1 app[1]: x",
      { timeMs: utc("2026-11-26T09:00:00.123Z"), host: "web-1", body: "app[1]: x" },
    ],
    ["<13>Nov 26 10:00:00 fe80::1 x", { host: "fe80::1", body: "x" }],
    ["<13>Nov 26 10:00:00 host", { host: "host", body: "" }],
    [
      "<13>Nov 26 10:00:00 su: no host",
      { hasHeader: false, host: "", timeMs: undefined, body: "<13>Nov 26 10:00:00 su: no host" },
    ],
    ["<13>Nov 26 10:00:00 cron[7]: no host", { hasHeader: false }],
    ["<13>Foo 26 10:00:00 host x", { hasHeader: false }],
    ["<13>Feb 30 10:00:00 host x", { hasHeader: false }],
    ["<13>Nov 26 25:00:00 host x", { hasHeader: false }],
    ["<13>1 2026-13-01T00:00:00Z host x", { hasHeader: false }],
    ["<13>1 2026-11-26T10:00:00Z", { hasHeader: false }],
    ["<13>1 2016-12-31T23:59:60Z host x", { timeMs: utc("2016-12-31T23:59:59Z") }],
    ["<13>", { isValid: true, hasHeader: false, body: "<13>" }],
    ["<13>text alone", { isValid: true, pri: [1, 5], hasHeader: false, body: "<13>text alone" }],
    ["<192>x", { isValid: false }],
    ["<1234>x", { isValid: false }],
    ["<>x", { isValid: false }],
    ["<-1>x", { isValid: false }],
    ["<13", { isValid: false }],
    ["", { isValid: false, body: "" }],
    [`<13>Nov 26 10:00:00 ${"h".repeat(300)} x`, { hasHeader: false }],
  ])("%.60s", (text, expected) => {
    expect(parse(text)).toMatchObject(expected);
  });

  test("a time without a year belongs to the year that is closest", () => {
    const at = (text: string, nowText: string) => {
      const { timeMs } = parse(`<13>${text} host x`, { now: () => utc(nowText) });
      return timeMs === undefined ? undefined : new Date(timeMs).toISOString();
    };
    expect(at("Dec 31 23:59:59", "2027-01-01T00:00:05Z")).toBe("2026-12-31T23:59:59.000Z");
    expect(at("Jan  1 00:00:05", "2026-12-31T23:59:59Z")).toBe("2027-01-01T00:00:05.000Z");
    expect(at("Feb 29 00:00:00", "2025-01-10T00:00:00Z")).toBe("2024-02-29T00:00:00.000Z");
  });

  test("a time without a zone is this machine's when asked", () => {
    const expected = new Date(2026, 10, 26, 10, 0, 0).getTime();
    expect(parse("<13>Nov 26 10:00:00 host x", { timeZone: "local" }).timeMs).toBe(expected);
    expect(parse("<13>1 2026-11-26T10:00:00 host x", { timeZone: "local" }).timeMs).toBe(expected);
  });

  test("bytes that are no text are taken as they are", () => {
    const noise = Buffer.concat([Buffer.from("<13>Nov 26 10:00:00 host "), Buffer.from([0, 255, 254, 128])]);
    expect(parse(noise)).toMatchObject({ host: "host", hasHeader: true });
    for (let length = 0; length < 60; length++) {
      const bytes = Buffer.alloc(length, Buffer.from([60, 49, 0, 255, 62, 32, 45]));
      expect(parse(bytes).isValid).toBe(false);
    }
  });
});

test("parts are kept in front of the body, in Flume's order", () => {
  const message = new SyslogMessage({ timeZone: "utc", now });
  const bytes = Buffer.from("<34>1 2003-10-11T22:14:15.003Z host app - - - x");
  message.parse(bytes, 0, bytes.length);
  const body = bytes.subarray(message.bodyStart);
  expect(withKeptFields(message, body, new Set(["hostname", "priority"])).toString()).toBe("<34>host app - - - x");
  const all = new Set(["priority", "version", "timestamp", "hostname"] as const);
  expect(withKeptFields(message, body, all).toString()).toBe("<34>1 2003-10-11T22:14:15.003Z host app - - - x");
});
