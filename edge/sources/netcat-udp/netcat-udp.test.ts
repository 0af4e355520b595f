import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

test("netcat_udp: each datagram is an event", async () => {
  expect(definition.read(definition.example)).toMatchObject({ ok: true });
  using dir = tempDir();
  const config = { address: "127.0.0.1:0", clientIpHeader: "ip" };
  await using run = runSource({ definition, config, dataDir: dir.path });
  const port = await until("the source to listen", () => (run.isLoaded ? Number(run.source.status().port ?? 0) : 0));
  const socket = createSocket("udp4");
  for (const each of ["one\n", "two\nlines", "\n", Buffer.from([0, 255, 10])]) {
    await new Promise((resolve) => socket.send(Buffer.from(each), port, "127.0.0.1", resolve));
  }
  socket.close();
  await until("the events", () => run.intake.lines.length === 4);
  expect(run.intake.lines).toEqual(["one", "two\nlines", "", "\u0000\u00ff"]);
  expect(run.intake.events[0]?.headers).toEqual({ ip: "127.0.0.1" });
});
