import { expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { until } from "../testing/until.ts";
import { CLOSE_WAIT, ESTABLISHED, TIME_WAIT, tcpState } from "./tcp-state.ts";

test.each(["127.0.0.1", "::1"])(
  "a connection over %s: while it stands, and after both sides have ended it",
  async (host) => {
    const server = createServer((socket) => void socket.on("end", () => socket.end()).resume());
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const socket = connect({ host, port });
    await new Promise((resolve) => socket.once("connect", resolve));
    const local = { address: socket.localAddress ?? "", port: socket.localPort ?? 0 };
    expect(await tcpState(local, { address: host, port })).toEqual({ state: ESTABLISHED, unacknowledgedBytes: 0 });
    expect(await tcpState(local, { address: host, port: port - 1 })).toBeUndefined();
    socket.resume();
    socket.end();
    await until(
      "it to be over",
      () => tcpState(local, { address: host, port }),
      (known) => known?.state === TIME_WAIT,
    );
    server.close();
  },
);

test("a connection whose other side has ended says what of ours was not acknowledged", async () => {
  let taken: Socket | undefined;
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    taken = socket;
    socket.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  await new Promise((resolve) => socket.once("end", resolve).resume());
  const local = { address: socket.localAddress ?? "", port: socket.localPort ?? 0 };
  const remote = { address: "127.0.0.1", port };
  expect(await tcpState(local, remote)).toEqual({ state: CLOSE_WAIT, unacknowledgedBytes: 0 });
  // Nobody reads: more than both kernels' buffers hold cannot be acknowledged.
  socket.write(Buffer.alloc(64 * 1024 * 1024));
  const known = await until(
    "the buffers to be full",
    () => tcpState(local, remote),
    (now) => (now?.unacknowledgedBytes ?? 0) > 0,
  );
  expect(known?.state).toBe(CLOSE_WAIT);
  socket.destroy();
  taken?.destroy();
  server.close();
});

test("what is no address has no state", async () => {
  expect(await tcpState({ address: "x", port: 1 }, { address: "127.0.0.1", port: 1 })).toBeUndefined();
});
