import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { freePort } from "../../shared/testing/free-port.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { good } from "../testing/fakes/config.ts";
import { fakeRegistry } from "../testing/fakes/registry.ts";
import { check } from "./check.ts";
import { readArguments } from "./command.ts";

async function run(config: string, ...args: readonly string[]) {
  using dir = tempDir();
  writeFileSync(dir.file("tailgate.yaml"), config);
  let out = "";
  let err = "";
  const given = readArguments(check, [dir.file("tailgate.yaml"), ...args]);
  const code = await check.run(given, {
    registry: fakeRegistry,
    environment: {},
    outBytes: async () => {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
  });
  expect(readdirSync(dir.path)).toEqual(["tailgate.yaml"]);
  return { code, out, err };
}

test("a valid config is said to be so", async () => {
  expect(await run(good)).toMatchObject({ code: 0, out: "" });
});

test("a wrong one is exit code 2 with every mistake, and nothing is touched", async () => {
  const { code, err } = await run(good.replace("type: tail", "type: tial").replace("topic:", "topc:"));
  expect(code).toBe(2);
  expect(err).toContain('tailgate.yaml:5:11: sources.driving.type: no source is of type "tial"');
  expect(err).toContain("3 mistakes in the config; nothing was started or changed.");
});

test("--print shows the defaults as YAML that can be read again", async () => {
  const { out } = await run(good, "--print");
  expect(Bun.YAML.parse(out)).toMatchObject({
    agent: "gw-0042",
    sources: { driving: { pollInterval: 1_000, channels: ["main"] } },
    channels: { main: { type: "sqlite", capacity: 1024 ** 3 } },
  });
});

test("--connect tells a destination that answers from one that does not", async () => {
  const [open, closed] = [await freePort(), await freePort()];
  const server = createServer().listen(open, "127.0.0.1");
  try {
    const brokers = (port: number) => good.replace(/brokers:.*/, `brokers: ["127.0.0.1:${port}"]`);
    expect(await run(brokers(open), "--connect")).toMatchObject({
      code: 0,
      out: `sink kafka: 127.0.0.1:${open}: answers\n`,
    });
    const away = await run(brokers(closed), "--connect");
    expect(away.code).toBe(1);
    expect(away.out).toContain(`sink kafka: 127.0.0.1:${closed}: `);
  } finally {
    server.close();
  }
});
