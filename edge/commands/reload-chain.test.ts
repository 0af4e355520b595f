/** Reloads that come while one is under way: a source that takes its time to start holds one open. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { startChild } from "../../shared/testing/child.ts";
import { freePort } from "../../shared/testing/free-port.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";

test("each compares with what the one before has put in force: the admin's address goes away and comes back", async () => {
  using dir = tempDir();
  const [here, there] = [await freePort(), await freePort()];
  const configure = (port: number, source: string) =>
    writeFileSync(
      dir.file("tailgate.yaml"),
      `agent: gw-1
dataDir: data
sources:
  a: { type: slow, ${source}, channels: main }
channels:
  main: { type: memory }
sinks:
  out: { type: "null", channel: main }
admin: { address: "127.0.0.1:${port}" }
`,
    );
  const answers = (port: number) =>
    fetch(`http://127.0.0.1:${port}/livez`).then(
      ({ ok }) => ok,
      () => false,
    );
  configure(here, "name: first");
  const script = new URL("../testing/fakes/slow-agent.ts", import.meta.url).pathname;
  await using child = startChild({ command: [process.execPath, script], cwd: dir.path, name: "tailgate" });
  await until("it to run", () => answers(here), Boolean, { withinMs: 20_000 });
  await child.waitForLine("agent_started", 20_000);

  configure(there, "name: second, waits: true");
  child.signal("SIGHUP");
  await child.waitForLine("starts second", 20_000);
  configure(here, "name: third");
  child.signal("SIGHUP");
  // It would have read the config by now, and compared it with the first one.
  await Bun.sleep(200);
  writeFileSync(dir.file("go"), "");
  await child.waitForLine("starts third", 20_000);
  await until(
    "the admin to be at its first address, and nowhere else",
    async () => [await answers(here), await answers(there)],
    ([first, second]) => first === true && second === false,
    { withinMs: 10_000 },
  );
  expect(await child.stop()).toMatchObject({ code: 0 });
}, 90_000);
