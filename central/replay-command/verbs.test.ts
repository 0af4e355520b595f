import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { parseArguments } from "../arguments.ts";
import { noCounts, type ReplayReport } from "../store/replay-port.ts";
import { TestApi, testKey } from "../testing/api.ts";
import { testRecord } from "../testing/records.ts";
import { centralAsked, type Send } from "./central-asked.ts";
import { runReplayVerb } from "./verbs.ts";

/** A central that is asked without a port, by a key out of a file. */
class Ground implements AsyncDisposable {
  readonly api = new TestApi({ keys: [testKey("a-key-for-operators", ["read", "operate"], "ops")] });
  readonly said: string[] = [];
  readonly shown: string[] = [];
  readonly warned: string[] = [];
  left = new AbortController();
  /** What the next questions meet in place of central, one each. */
  readonly failures: (() => Response)[] = [];
  private readonly dir = tempDir("tailgate-command-");
  readonly keyFile = this.dir.file("key");

  constructor() {
    writeFileSync(this.keyFile, "a-key-for-operators\n");
  }

  async run(text: string, environment: Readonly<Record<string, string>> = {}): Promise<void> {
    const words = parseArguments(["replay", ...text.split(" ")]);
    if (!("asking" in words)) throw new Error("it is no replay");
    const send: Send = async (input, init) => {
      const failure = this.failures.shift();
      return failure === undefined ? await this.api.api.request(input, init) : failure();
    };
    const terminal = {
      say: (line: string) => void this.said.push(line),
      show: (line: string) => void this.shown.push(line),
      warn: (line: string) => void this.warned.push(line),
      left: this.left.signal,
      lookEveryMs: 1,
    };
    await runReplayVerb(words, centralAsked(words.asking, environment, send), terminal);
  }

  /** As its runner would. */
  async report(id: number, more: Partial<ReplayReport>): Promise<void> {
    const { replays } = this.api.store;
    await replays.takeReplays("runner", 60_000, 9);
    const at = { topic: "drive", partition: 0, first: 0, until: 100 };
    const words = { gone: [], notes: [], trouble: undefined, error: undefined, recordsPerSecond: 10 };
    const partitions = [{ ...at, next: 40, counts: { ...noCounts, read: 40 } }];
    await replays.reportReplay({
      id,
      owner: "runner",
      resolved: true,
      partitions,
      ended: undefined,
      ...words,
      ...more,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    this.dir[Symbol.dispose]();
  }
}

test("begun, listed, paused, resumed, cancelled, by a key out of a file or of the environment", async () => {
  await using on = new Ground();
  await on.api.put([testRecord({ offset: 0 })]);
  const key = { TAILGATE_API_KEY: "a-key-for-operators" };
  await on.run(`start --topic drive --vehicle car-1 --key-file ${on.keyFile}`);
  await on.run("list", { TAILGATE_API_KEY_FILE: on.keyFile });
  await on.run("pause 1", key);
  await on.run("resume 1", key);
  await on.run("cancel 1", key);
  expect(on.said).toMatchObject([
    "Replay #1 has begun.",
    expect.stringMatching(/^#1 running .* · drive · vehicle car-1 · into the store · by ops, 20/),
    expect.stringContaining("#1 paused"),
    expect.stringContaining("#1 running"),
    expect.stringContaining("#1 cancelled"),
  ]);
});

test("watched until it is over; a central that is away meanwhile is said once and asked again", async () => {
  await using on = new Ground();
  await on.api.put([testRecord({ offset: 0 })]);
  const watching = on.run(`start --watch --key-file ${on.keyFile}`);
  await until("it to be begun", () => on.said.length > 0);
  await on.report(1, {});
  await until("its progress", () =>
    on.shown.some((line) => line.includes("40.0 % · 40 of 100 offsets · 10/s · 6 s to go")),
  );
  const away = () => {
    throw new Error("connection refused");
  };
  on.failures.push(away, away, () => new Response("busy", { status: 503 }));
  await until("it to be away", () => on.failures.length === 0);
  await on.report(1, { ended: "done" });
  await watching;
  expect(on.warned).toEqual(["watch replay 1: connection refused; asking again"]);
  expect(on.said.slice(1)).toEqual([expect.stringContaining("#1 done"), "  read 40"]);
});

test("one that failed is an error, with why; one that nobody watches any more goes on", async () => {
  await using on = new Ground();
  await on.api.put([testRecord({ offset: 0 })]);
  await on.run(`start --key-file ${on.keyFile}`);
  const watching = on.run(`watch 1 --key-file ${on.keyFile}`);
  await until("it to be looked at", () => on.shown.length > 0);
  on.left.abort();
  await watching;
  await on.report(1, { ended: "failed", error: "a record is too large" });
  on.left = new AbortController();
  await expect(on.run(`watch 1 --key-file ${on.keyFile}`)).rejects.toMatchObject({ code: "CENTRAL_COMMAND_FAILED" });
  expect(on.said).toContain("  a record is too large");
});

test("what central has against it is said in its words; no key, no URL, no file", async () => {
  await using on = new Ground();
  await on.api.put([testRecord({ offset: 0 })]);
  await expect(on.run("list")).rejects.toMatchObject({ code: "CENTRAL_COMMAND_REFUSED" });
  await expect(on.run(`pause 9 --key-file ${on.keyFile}`)).rejects.toThrow("pause replay 9: there is none");
  await expect(on.run(`start --into-topic drive --key-file ${on.keyFile}`)).rejects.toThrow(
    "it would read what it writes",
  );
  await expect(on.run("list --key-file /nowhere/key")).rejects.toMatchObject({ code: "USAGE" });
  await expect(on.run("list --url nonsense")).rejects.toMatchObject({ code: "USAGE" });
  on.failures.push(() => {
    throw new Error("connection refused");
  });
  await expect(on.run("list")).rejects.toMatchObject({ code: "CENTRAL_COMMAND_AWAY" });
});
