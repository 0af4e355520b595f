import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const shell = "/bin/sh -c";

function world(config: Readonly<Record<string, unknown>>) {
  const dir = tempDir();
  const run = runSource({ definition, config, dataDir: dir.path });
  return {
    run,
    dir,
    lines: (count: number) =>
      until(
        `${count} lines`,
        () => run.intake.lines.length,
        (seen) => seen >= count,
      ),
    said: (name: string) => run.reports.filter(({ signal }) => signal === name).map(({ fields }) => fields),
    [Symbol.asyncDispose]: async () => {
      run.intake.unblock();
      await run.crash().catch(() => undefined);
      dir[Symbol.dispose]();
    },
  };
}

describe("exec", () => {
  test("its example is a valid config", () => {
    expect(definition.read(definition.example)).toMatchObject({ ok: true });
    expect(definition.read({ command: "" })).toMatchObject({ ok: false });
    expect(definition.read({ command: "a", noSuchField: 1 })).toMatchObject({ ok: false });
  });

  test("lines of a command are events, bytes untouched, the last one without a line feed", async () => {
    await using w = world({ command: "printf 'a\\0\\377\\r\\n\\n  b\\nlast'", shell });
    await w.lines(4);
    expect(w.run.intake.lines).toEqual(["a\u0000\u00ff\r", "", "  b", "last"]);
  });

  test("without a shell the words are as they stand", async () => {
    await using w = world({ command: "echo $HOME *" });
    await w.lines(1);
    await using v = world({ command: ["echo", "two words"] });
    await v.lines(1);
    expect([...w.run.intake.lines, ...v.run.intake.lines]).toEqual(["$HOME *", "two words"]);
  });

  test("a command that ends is said once, and not run again unless asked", async () => {
    await using w = world({ command: "echo a; exit 3", shell });
    await until("the end", () => w.said("exec_over").length === 1);
    expect(w.said("exec_over")).toMatchObject([{ end: "code 3" }]);
    await Bun.sleep(50);
    expect(w.run.source.status()).toMatchObject({ runs: 1, pid: 0, lastEnd: "code 3" });
    await w.run.stop();
  });

  test("it is run again when asked", async () => {
    await using w = world({ command: "echo a", restart: true, restartThrottle: "10ms" });
    await w.lines(3);
    expect(new Set(w.run.intake.lines)).toEqual(new Set(["a"]));
  });

  test("a command that cannot be run is said, and tried again", async () => {
    const command = "/no/such/program";
    await using w = world({ command, restart: true, restartThrottle: "10ms" });
    await until("two tries", () => w.said("exec_failed").length >= 2);
    await using v = world({ command });
    await expect(v.run.ended).rejects.toThrow(expect.objectContaining({ code: "EDGE_EXEC" }));
  });

  test("its standard error goes to the log when asked", async () => {
    await using w = world({ command: "echo oops >&2; echo a", shell, logStderr: true });
    await until("the words", () => w.said("exec_stderr").length === 1);
    expect(w.said("exec_stderr")).toMatchObject([{ line: "oops" }]);
  });

  test("while the channel is full the command has to wait, in bounded memory", async () => {
    await using w = world({ command: ["yes", "0123456789"] });
    w.run.intake.block();
    await until("the source to wait", () => w.run.intake.waits > 0);
    const rssBefore = process.memoryUsage().rss;
    await Bun.sleep(300);
    expect(process.memoryUsage().rss - rssBefore).toBeLessThan(50 * 1024 * 1024);
    expect(w.run.intake.lines).toEqual([]);
    w.run.intake.unblock();
    await w.lines(1_000);
    await w.run.stop();
  });

  test("a line without an end is cut and counted", async () => {
    await using w = world({ command: "head -c 3000000 /dev/zero; echo; echo after", shell, lineBytesMax: 1_000 });
    await w.lines(2);
    expect(w.run.intake.events.map(({ body, headers }) => [body.length, headers.cut])).toEqual([
      [1_000, "1000"],
      [5, undefined],
    ]);
    expect(w.run.intake.counter("cut_bytes")).toBe(2_999_000);
  });

  test("a stop ends all that the command has started, also what does not listen", async () => {
    await using w = world({ command: "trap '' TERM; sleep 600 & echo $! $$; wait; sleep 600", shell });
    await w.lines(1);
    const pids = w.run.intake.lines[0]?.split(" ") ?? [];
    await w.run.stop();
    const runs = (pid: string) =>
      existsSync(`/proc/${pid}/stat`) && !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
    await until("all to be gone", () => !pids.some(runs));
  });

  test("stopping is harmless when it was never started, and twice", async () => {
    await using w = world({ command: "true" });
    await until("it to be made", () => w.run.isLoaded);
    await w.run.source.stop();
    await w.run.source.stop();
  });
});
