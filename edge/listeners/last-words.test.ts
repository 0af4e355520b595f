/** What a source says last reaches a peer that reads only when it has sent all, as most clients of HTTP do. */
import { expect, test } from "bun:test";
import { parseListenAddress } from "../../shared/config/listen-address.ts";
import { silent } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { makeCertificates } from "../../shared/testing/certificates.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { Listener, type Serve } from "./listener.ts";
import { Client } from "./testing/client.ts";

/** Enough that no kernel holds it. */
const tooMuch = Buffer.alloc(30_000_000, "x");

const refuse: Serve = async (connection) => {
  await connection.fill();
  await connection.write("too large\n");
};

test.each(["plain", "TLS"])("an answer before all was read: %s", async (how) => {
  using dir = tempDir();
  const { ca, broker: tls } = makeCertificates(dir.path);
  const address = parseListenAddress("127.0.0.1:0");
  if (typeof address === "string") throw new Error(address);
  const listener = new Listener(
    { address, connectionsMax: 10, messageTimeout: 60_000, socketMode: "660", ...(how === "TLS" ? { tls } : {}) },
    { name: "in", metrics: new Metrics(), report: silent },
  );
  listener.open(refuse);
  try {
    using sender = new Client({ port: listener.port, ...(how === "TLS" ? { tls: { ca } } : {}) });
    expect(await sender.connected()).toBe(true);
    sender.socket.pause();
    const sent = await new Promise((resolve) => {
      sender.socket.once("error", (error) => resolve(error.message));
      sender.socket.write(tooMuch, (error) => resolve(error?.message ?? "all"));
    });
    expect(sent).toBe("all");
    sender.socket.resume();
    await until("the answer", () => sender.heard === "too large\n");
  } finally {
    await listener.close();
  }
});
