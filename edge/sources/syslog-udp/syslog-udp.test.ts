import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { droppedByKernel } from "../../listeners/datagram-drops.ts";
import { type RunningSource, runSource } from "../../testing/fakes/running-source.ts";
import definition from "./index.ts";

const config = { address: "127.0.0.1:0" };
const portOf = (run: RunningSource) =>
  until("the source to listen", () => (run.isLoaded ? Number(run.source.status().port ?? 0) : 0));

/** Sends them one after the other; loopback keeps their order. */
async function send(port: number, datagrams: readonly (string | Buffer)[]): Promise<void> {
  const socket = createSocket("udp4");
  for (const each of datagrams) {
    await new Promise((resolve) => socket.send(Buffer.from(each), port, "127.0.0.1", resolve));
  }
  socket.close();
}

describe("syslog_udp", () => {
  test("its example is a valid config, and no Unix socket is", () => {
    expect(definition.read(definition.example)).toMatchObject({ ok: true });
    expect(definition.read({ address: "/run/in.sock" })).toMatchObject({ ok: false });
    expect(definition.read({ noSuchField: 1 })).toMatchObject({ ok: false });
  });

  test("each datagram is a message, whatever it holds", async () => {
    using dir = tempDir();
    await using run = runSource({
      definition,
      config: { ...config, clientIpHeader: "ip", key: "client_ip" },
      dataDir: dir.path,
    });
    const port = await portOf(run);
    const large = `<34>1 2003-10-11T22:14:15.003Z gw-1 ${"x".repeat(60_000)}`;
    await send(port, ["<34>1 2003-10-11T22:14:15.003Z gw-1 a\nb\n", "", "no syslog", Buffer.from([0, 255]), large]);
    await until("the messages", () => run.intake.lines.length === 5);
    expect(run.intake.lines).toEqual(["a\nb", "", "no syslog", "\u0000\u00ff", "x".repeat(60_000)]);
    expect(run.intake.events[0]).toMatchObject({ key: "127.0.0.1", headers: { host: "gw-1", ip: "127.0.0.1" } });
    expect(run.intake.counter("syslog_invalid")).toBe(3);
  });

  test("a port that is taken is said", async () => {
    using dir = tempDir();
    await using first = runSource({ definition, config, dataDir: dir.path });
    const address = `127.0.0.1:${await portOf(first)}`;
    const second = runSource({ definition, config: { address }, dataDir: dir.path });
    await expect(second.ended).rejects.toThrow("EADDRINUSE");
  });

  test("while the channel is full a bounded queue is kept, and what is lost is counted", async () => {
    using dir = tempDir();
    await using run = runSource({ definition, config: { ...config, queueBytesMax: "64KiB" }, dataDir: dir.path });
    const port = await portOf(run);
    run.intake.block();
    await send(
      port,
      Array.from({ length: 200 }, (_, index) => `<34>${index} ${"x".repeat(1_000)}`),
    );
    await until("all of them", () => run.source.status().received === 200);
    expect(run.intake.lines).toEqual([]);
    run.intake.unblock();
    await until("the queue to be taken", () => run.source.status().queued === 0);
    const kept = run.intake.lines.length;
    expect(kept).toBeLessThan(64);
    await until("the books", () => run.intake.counter("datagrams_lost") === 200 - kept);
    expect(run.source.status()).toMatchObject({ lost: { queue: 200 - kept, kernel: 0 } });
  });

  test("what the kernel dropped is counted", async () => {
    using dir = tempDir();
    const run = runSource({ definition, config: { ...config, receiveBuffer: "4KiB" }, dataDir: dir.path });
    const port = await portOf(run);
    const flood = createSocket("udp4");
    // In one turn of the event loop: nobody reads meanwhile.
    for (let index = 0; index < 2_000; index++) flood.send(Buffer.alloc(1_000, "x"), port, "127.0.0.1");
    await until("some to arrive", () => Number(run.source.status().received) > 0);
    flood.close();
    const status = () => JSON.stringify(run.source.status());
    await run.stop();
    const lost = run.intake.counter("datagrams_lost_by_kernel");
    expect(lost).toBeGreaterThan(0);
    expect(status()).toContain(`"kernel":${lost}`);
    expect(run.intake.lines.length + lost).toBe(2_000);
  });

  test("what was received before a stop is taken", async () => {
    using dir = tempDir();
    const run = runSource({ definition, config, dataDir: dir.path });
    const port = await portOf(run);
    run.intake.block();
    await send(port, ["a", "b"]);
    await until("both", () => run.source.status().received === 2);
    run.intake.unblock();
    await run.stop();
    expect(run.intake.lines).toEqual(["a", "b"]);
  });
});

test("the kernel's table is read by port", () => {
  const line = (address: string, drops: number) =>
    `  12: ${address} 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 138225 2 00000000c90ad4bc ${drops}     `;
  const tables = [
    `  sl  local_address rem_address\n${line("0100007F:C652", 7)}\n${line("0100007F:C653", 100)}\n`,
    line("00000000000000000000000001000000:C652", 5),
  ];
  expect(droppedByKernel(tables, 0xc652)).toBe(12);
  expect(droppedByKernel([""], 1)).toBe(0);
});
