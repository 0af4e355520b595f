import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { parseListenAddress } from "../../shared/config/listen-address.ts";
import type { Fields } from "../../shared/telemetry/log.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { makeCertificates } from "../../shared/testing/certificates.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { until } from "../../shared/testing/until.ts";
import { type Connection, protocolError } from "./connection.ts";
import { Listener, type ListenerOptions, type Serve } from "./listener.ts";
import { Client } from "./testing/client.ts";

const opened: Listener[] = [];
const reports: { readonly name: string; readonly fields: Fields }[] = [];
const said = (name: string) => reports.filter((each) => each.name === name);

/** Says back every byte. */
const echo: Serve = async (connection) => {
  while (await connection.fill()) {
    const { bytes } = connection;
    await connection.write(Buffer.from(bytes));
    connection.consume(bytes.length);
  }
};

/** Hands over what comes, and does not understand any of it. */
const hoard: Serve = async (connection) => {
  while (await connection.fill()) {}
};

function listen(serve: Serve, changes: Partial<ListenerOptions> & { readonly at?: string } = {}): Listener {
  const { at = "127.0.0.1:0", ...options } = changes;
  const address = parseListenAddress(at);
  if (typeof address === "string") throw new Error(address);
  const listener = new Listener(
    { address, connectionsMax: 100, messageTimeout: 60_000, socketMode: "660", ...options },
    {
      name: "in",
      metrics: new Metrics(),
      report: (signal, fields = {}) => void reports.push({ name: signal.name, fields }),
    },
  );
  opened.push(listener);
  listener.open(serve);
  return listener;
}

const client = (listener: Listener) => new Client({ port: listener.port });
const refused = (listener: Listener) => listener.status().refused;

afterEach(async () => {
  await Promise.all(opened.splice(0).map((listener) => listener.close()));
  reports.length = 0;
});

describe("a listener", () => {
  test("hands bytes over and brings the answer", async () => {
    const listener = listen(echo);
    using sender = client(listener);
    sender.send("hello");
    await until("the echo", () => sender.heard === "hello");
    expect(listener.status()).toMatchObject({ connections: 1, accepted: 1, refused: {} });
    expect(said("listener_open")).toMatchObject([
      { fields: { component: "in", address: `127.0.0.1:${listener.port}` } },
    ]);
  });

  test("answers a sender that has ended its side", async () => {
    const listener = listen(echo);
    using sender = client(listener);
    sender.send("last words");
    sender.end();
    await until("the echo", () => sender.heard === "last words" && sender.isLeft);
    await until("the end", () => listener.status().connections === 0);
  });

  test("gathers a message that comes in many pieces", async () => {
    const message = Buffer.alloc(3_000_000, "0123456789");
    let whole: Buffer | undefined;
    const listener = listen(async (connection) => {
      while (await connection.fill()) {
        if (connection.bytes.length < message.length + 2) continue;
        connection.consume(1);
        whole = Buffer.from(connection.bytes.subarray(0, message.length));
        connection.consume(message.length);
      }
    });
    using sender = client(listener);
    sender.send(Buffer.concat([Buffer.from("("), message, Buffer.from(")")]));
    await until("the message", () => whole !== undefined);
    expect(whole?.equals(message)).toBe(true);
    await until("one byte to be left", () => listener.status().heldBytes === 1);
    sender.end();
    await until("nothing to be held", () => listener.status().heldBytes === 0);
  });

  test("says who has the port, and does not share it", () => {
    const listener = listen(echo);
    expect(() => listen(echo, { at: `127.0.0.1:${listener.port}` })).toThrow(
      expect.objectContaining({ code: "EDGE_LISTEN", message: expect.stringContaining("EADDRINUSE") }),
    );
  });

  test("says when the address is another machine's", () => {
    expect(() => listen(echo, { at: "192.0.2.1:4000" })).toThrow(expect.objectContaining({ code: "EDGE_LISTEN" }));
  });

  test("says when others can reach it and nothing is asked of them", () => {
    listen(echo);
    listen(echo, { at: "0.0.0.0:0", asksCredentials: true });
    expect(said("listener_exposed")).toEqual([]);
    listen(echo, { at: "0.0.0.0:0" });
    expect(said("listener_exposed").length).toBe(1);
  });
});

describe("a Unix socket", () => {
  test("is made for its group, and gone after the end", async () => {
    using dir = tempDir();
    const path = dir.file("in.sock");
    const listener = listen(echo, { at: path });
    using sender = new Client({ path });
    sender.send("a");
    await until("the echo", () => sender.heard === "a");
    await listener.close();
    expect(existsSync(path)).toBe(false);
  });

  test("left by a process that was killed is taken over", async () => {
    using dir = tempDir();
    const path = dir.file("in.sock");
    const script = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, 9)`;
    Bun.spawnSync([process.execPath, "-e", script]);
    expect(existsSync(path)).toBe(true);
    listen(echo, { at: path });
    using sender = new Client({ path });
    sender.send("a");
    await until("the echo", () => sender.heard === "a");
  });

  test("that somebody serves, and a file that is none, stay", () => {
    using dir = tempDir();
    listen(echo, { at: dir.file("in.sock") });
    expect(() => listen(echo, { at: dir.file("in.sock") })).toThrow(expect.objectContaining({ code: "EDGE_LISTEN" }));
    writeFileSync(dir.file("notes"), "mine");
    expect(() => listen(echo, { at: dir.file("notes") })).toThrow(expect.objectContaining({ code: "EDGE_LISTEN" }));
    expect(existsSync(dir.file("notes"))).toBe(true);
  });
});

describe("TLS", () => {
  const dir = tempDir();
  const { ca, broker: server, client: known, stranger } = makeCertificates(dir.path);

  test("encrypts, and refuses what is none", async () => {
    const listener = listen(echo, { tls: server });
    using sender = new Client({ port: listener.port, tls: { ca } });
    await sender.connected();
    sender.send(Buffer.alloc(2_000_000, "x"));
    await until("the echo", () => sender.heard.length === 2_000_000);
    using garbage = client(listener);
    garbage.send("GET / HTTP/1.1\r\n\r\n");
    await until("the refusal", () => garbage.isLeft);
    expect(refused(listener)).toEqual({ tls: 1 });
    expect(said("listener_tls_failed").length).toBe(1);
  });

  test("with an authority for clients takes only theirs, and knows their names", async () => {
    const names: (string | undefined)[] = [];
    const listener = listen(
      async (connection) => {
        names.push(connection.peerName);
        await echo(connection);
      },
      { tls: { ...server, clientCa: ca } },
    );
    for (const pair of [{}, stranger]) {
      using sender = new Client({ port: listener.port, tls: { ca, ...pair } });
      sender.send("a");
      await until("the refusal", () => sender.isLeft);
      expect(sender.heard).toBe("");
    }
    using sender = new Client({ port: listener.port, tls: { ca, ...known } });
    sender.send("a");
    await until("the echo", () => sender.heard === "a");
    expect(names).toEqual(["gw-1"]);
    expect(refused(listener)).toEqual({ tls: 2 });
  });
});

describe("what waits is bounded", () => {
  test("a connection too many is refused, said once, and there is room again", async () => {
    const listener = listen(echo, { connectionsMax: 2 });
    const senders = Array.from({ length: 8 }, () => client(listener));
    await until("six to be refused", () => senders.filter((each) => each.isLeft).length === 6);
    expect(listener.status()).toMatchObject({ connections: 2, accepted: 2, refused: { cap: 6 } });
    expect(said("listener_full").length).toBe(1);
    for (const sender of senders) sender[Symbol.dispose]();
    await until("room", () => listener.status().connections === 0);
    expect(said("listener_has_room").length).toBe(1);
    using late = client(listener);
    late.send("a");
    await until("the echo", () => late.heard === "a");
  });

  test("a sender that nobody reads has to wait", async () => {
    let read = false;
    const listener = listen(async (connection) => {
      await until("the word to read", () => read);
      await echo(connection);
    });
    using sender = client(listener);
    await sender.connected();
    const message = Buffer.alloc(24 * 1024 * 1024, "x");
    sender.send(message);
    await Bun.sleep(100);
    expect(sender.socket.writableLength).toBeGreaterThan(0);
    expect(Number(listener.status().heldBytes)).toBeLessThan(1024 * 1024);
    read = true;
    await until("all of it", () => sender.heard.length === message.length, Boolean, { withinMs: 20_000 });
  });

  test("half messages fill only so much: the largest is cut off, the others go on", async () => {
    const listener = listen(hoard, { heldBytesMax: 1024 * 1024 });
    const senders = [900_000, 200_000, 100_000].map((size) => {
      const sender = client(listener);
      sender.send(Buffer.alloc(size, "x"));
      return sender;
    });
    await until("the largest to be cut off", () => senders[0]?.isLeft);
    expect(senders.map((each) => each.isLeft)).toEqual([true, false, false]);
    await until("the others to be held", () => listener.status().heldBytes === 300_000);
    expect(refused(listener)).toEqual({ memory: 1 });
    for (const sender of senders) sender[Symbol.dispose]();
  });

  test("a silent connection is closed when a time is given", async () => {
    const listener = listen(hoard, { idleTimeout: 100 });
    using silent = client(listener);
    await until("the silent one to be closed", () => silent.isLeft);
    expect(refused(listener)).toEqual({ idle: 1 });
  });

  test("a half message is given up, however often a byte of it comes", async () => {
    const listener = listen(hoard, { messageTimeout: 300 });
    using slow = client(listener);
    const trickle = setInterval(() => slow.send("x"), 20);
    await until("the slow one to be closed", () => slow.isLeft);
    clearInterval(trickle);
    expect(refused(listener)).toEqual({ slow: 1 });
  });

  test("a client that does not read its answers is closed", async () => {
    const listener = listen(
      async (connection) => {
        while (await connection.write(Buffer.alloc(1_000_000))) {}
      },
      { messageTimeout: 200 },
    );
    using deaf = client(listener);
    deaf.socket.pause();
    await until(
      "it to be closed",
      () => listener.status(),
      ({ refused }) => Bun.deepEquals(refused, { slow: 1 }),
    );
    expect(listener.status().connections).toBe(0);
  });

  test("hundreds come and go", async () => {
    const listener = listen(echo, { connectionsMax: 1_000 });
    const senders = Array.from({ length: 400 }, () => client(listener));
    for (const [index, sender] of senders.entries()) sender.send(`${index}`);
    await until("all to be answered", () => senders.every((each, index) => each.heard === `${index}`));
    for (const sender of senders) sender[Symbol.dispose]();
    await until("all to be gone", () => listener.status().connections === 0);
    expect(listener.status()).toMatchObject({ accepted: 400, heldBytes: 0, refused: {} });
  });
});

describe("the end", () => {
  test("of what is not understood is said, and hurts nobody else", async () => {
    const listener = listen(async (connection) => {
      await connection.fill();
      if (connection.bytes.toString() !== "good") throw protocolError("not a greeting");
      await connection.write("good");
    });
    using bad = client(listener);
    using good = client(listener);
    bad.send("bad");
    good.send("good");
    await until("the bad one to be cut off", () => bad.isLeft);
    await until("the echo", () => good.heard === "good");
    expect(said("connection_failed")).toMatchObject([{ fields: { error: "not a greeting" } }]);
    expect(refused(listener)).toEqual({ protocol: 1 });
  });

  test("of a listener gives those that work time for their answer", async () => {
    let connection: Connection | undefined;
    const listener = listen(async (each) => {
      connection = each;
      await each.fill();
      await until("the stop", () => each.isStopping);
      await each.write("answer");
    });
    using sender = client(listener);
    using idle = client(listener);
    sender.send("a");
    await until("both", () => listener.status().connections === 2 && connection !== undefined);
    await listener.close();
    await until("the answer", () => sender.heard === "answer" && sender.isLeft && idle.isLeft);
    expect(said("connections_cut")).toEqual([]);
    expect(listener.status()).toMatchObject({ listens: false, connections: 0 });
  });

  test("of a listener cuts off who does not end", async () => {
    const listener = listen(async () => new Promise(() => undefined));
    using sender = client(listener);
    await until("the connection", () => listener.status().connections === 1);
    await listener.close();
    await until("it to be cut off", () => sender.isLeft);
    expect(said("connections_cut").length).toBe(1);
  });

  test("is harmless twice, and without a beginning", async () => {
    const listener = listen(echo);
    await listener.close();
    await listener.close();
    expect(listener.port).toBeUndefined();
  });
});
