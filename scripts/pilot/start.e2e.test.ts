import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { startChild } from "../../shared/testing/child.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";

const start = new URL("./main.ts", import.meta.url).pathname;

/** Processes whose command line names the folder: whatever a start has left behind. */
function processesOf(folder: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const place = `${readFileSync(`/proc/${pid}/cmdline`, "latin1")} ${readFileSync(`/proc/${pid}/environ`, "latin1")}`;
        return place.includes(folder) ? [pid] : [];
      } catch (thrown) {
        // It has ended since the folder was listed.
        if (thrown instanceof Error) return [];
        throw thrown;
      }
    });
}

interface Told {
  /** What the command line says, and the environment. */
  readonly flag: string;
  readonly says: readonly RegExp[];
}

const ways: readonly (readonly [string, Told])[] = [
  [
    "over Kafka: the demo stops Kafka",
    {
      flag: "--kafka",
      says: [
        /Kafka is stopped/,
        /ok +topic .* missing 0, repeated 0, out of order 0, altered 0/,
        /central says: stored \d+, missing 0, repeated 0/,
      ],
    },
  ],
  [
    "by relay: the demo kills the centre",
    {
      flag: "--relay",
      says: [/the centre is killed with -9/, /there is no topic/, /central says: stored \d+, missing 0, sent again/],
    },
  ],
];

test.each(ways)(
  "%s, deletes the logs and kills the edge, and its books balance; a second start goes on",
  async (_, way) => {
    using dir = tempDir("tailgate-start-");
    const command = [process.execPath, start, way.flag, "--dir", dir.path, "--cars", "20"];
    {
      await using demo = startChild({ command: [...command, "--demo", "--outage", "12"], env: { KAFKA_BROKERS: "" } });
      const { code } = await demo.exited;
      expect(demo.stderr).toBe("");
      expect(demo.stdout).toMatch(/log files are deleted \([1-9]/);
      for (const words of way.says) expect(demo.stdout).toMatch(words);
      expect(demo.stdout).toMatch(/ok +store .* missing 0, repeated 0, out of order 0, altered 0/);
      expect(demo.stdout).toMatch(
        /ok +daily files +status: [1-9]\d* lines .* missing 0, repeated 0, out of order 0, altered 0/,
      );
      expect(code).toBe(0);
    }
    expect(processesOf(dir.path)).toEqual([]);
    const written = () => Number(JSON.parse(readFileSync(dir.file("pilot/simulator/progress.json"), "utf8")).driving);
    const before = written();
    await using again = startChild({ command, env: { KAFKA_BROKERS: "" } });
    const stored = () => Number(/stored ([\d,]+)(?![\s\S]*stored)/.exec(again.stdout)?.[1]?.replaceAll(",", "") ?? 0);
    await until("more lines to be stored than before", stored, (lines) => lines > before, { withinMs: 60_000 });
    expect(await again.stop(60_000)).toEqual({ code: 0, signal: null });
    expect(written()).toBeGreaterThan(before);
    expect(processesOf(dir.path)).toEqual([]);
  },
  300_000,
);
