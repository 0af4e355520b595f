import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { startChild } from "./child.ts";
import { until } from "./until.ts";

const sh = (script: string) => ["sh", "-c", script];

function processState(pid: number): string {
  try {
    return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "?";
  } catch {
    return "gone";
  }
}

test("finds lines that were written before and lines that come later", async () => {
  await using child = startChild({ command: sh("echo first; sleep 0.1; echo second >&2; sleep 60") });
  expect(await child.waitForLine("first")).toBe("first");
  expect(await child.waitForLine(/^sec/)).toBe("second");
  expect(await child.waitForLine("first")).toBe("first");
});

test("waiting for a line fails with the output when the process ends without it", async () => {
  await using child = startChild({ command: sh("echo sorry; exit 3"), name: "sad" });
  await expect(child.waitForLine("ready")).rejects.toThrow(/wait for ready from sad: it ended \(code 3.*sorry/s);
});

test("waiting for a line has a deadline", async () => {
  await using child = startChild({ command: sh("echo sorry; sleep 60") });
  await expect(child.waitForLine("ready", 50)).rejects.toThrow("not seen within 50 ms");
});

test("a process that obeys SIGTERM tells its exit code; one that does not is killed and named", async () => {
  await using polite = startChild({ command: sh("trap 'exit 7' TERM; echo up; while :; do sleep 0.01; done") });
  await polite.waitForLine("up");
  expect(await polite.stop()).toEqual({ code: 7, signal: null });
  await using deaf = startChild({ command: sh("trap '' TERM; echo up; while :; do sleep 0.01; done"), name: "deaf" });
  await deaf.waitForLine("up");
  await expect(deaf.stop(100)).rejects.toThrow("stop deaf: killed after 100 ms");
});

test("a frozen process does nothing until it is thawed", async () => {
  await using child = startChild({ command: sh("echo up; sleep 60") });
  await child.waitForLine("up");
  child.freeze();
  expect(processState(child.pid)).toBe("T");
  child.thaw();
  await until(
    "the process to go on",
    () => processState(child.pid),
    (state) => state === "S",
  );
});

test("leaving the scope kills the process and what it started", async () => {
  let own = 0;
  let grandchild = 0;
  {
    await using child = startChild({ command: sh("sleep 60 & echo $!; wait") });
    own = child.pid;
    grandchild = Number(await child.waitForLine(/^\d+$/));
    expect(processState(grandchild)).not.toBe("gone");
  }
  expect(processState(own)).toBe("gone");
  await until(
    "the grandchild to be gone",
    () => processState(grandchild),
    (state) => state === "gone" || state === "Z",
  );
});

test.each([
  ["ends by itself", "setTimeout(() => process.exit(0), 50)"],
  ["is killed with -9", 'setTimeout(() => process.kill(process.pid, "SIGKILL"), 50)'],
  ["is told to end and has no handler", 'setTimeout(() => process.kill(process.pid, "SIGTERM"), 50)'],
])("when our own process %s, nothing that it started is left", async (_, end) => {
  const script = `
    import { startChild } from ${JSON.stringify(new URL("./child.ts", import.meta.url).pathname)};
    const child = startChild({ command: ["sleep", "60"] });
    console.log(child.pid);
    ${end};`;
  await using parent = startChild({ command: [process.execPath, "-e", script] });
  const pid = Number(await parent.waitForLine(/^\d+$/));
  await parent.exited;
  await until(
    "the child to be gone",
    () => processState(pid),
    (state) => state === "gone" || state === "Z",
  );
});
