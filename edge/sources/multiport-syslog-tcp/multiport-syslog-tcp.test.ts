import { expect, test } from "bun:test";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { Client } from "../../listeners/testing/client.ts";
import { streamContract } from "../../testing/contracts/stream.contract.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const head = "<34>1 2003-10-11T22:14:15.003Z gw-1 ";

streamContract("multiport_syslog_tcp", {
  definition,
  config: { ports: [0], eventBytesMax: 1_000 },
  at: (port) => ({ ports: [port] }),
  message: (body) => `${head}${body}\n`,
});

test("says on which port a message came", async () => {
  using dir = tempDir();
  const ports = [await freePort(), await freePort()];
  await using run = runSource({ definition, config: { ports, portHeader: "port" }, dataDir: dir.path });
  await until("the source to listen", () => Number(run.source.status().port) > 0);
  for (const port of ports) {
    using client = new Client({ port });
    await client.connected();
    client.send(`${head}on ${port}\n`);
    await until("the message", () => run.intake.lines.includes(`on ${port}`));
  }
  expect(run.intake.events.map(({ headers }) => headers.port)).toEqual(ports.map(String));
});

test("when one port is taken none is held", async () => {
  using dir = tempDir();
  const [taken, other] = [await freePort(), await freePort()];
  await using first = runSource({ definition, config: { ports: [taken] }, dataDir: dir.path });
  await until("the source to listen", () => Number(first.source.status().port) > 0);
  const second = runSource({ definition, config: { ports: [other, taken] }, dataDir: dir.path });
  await expect(second.ended).rejects.toThrow("EADDRINUSE");
  await second.source.stop();
  await using third = runSource({ definition, config: { ports: [other] }, dataDir: dir.path });
  await until("the port to be had", () => Number(third.source.status().port) === other);
});
