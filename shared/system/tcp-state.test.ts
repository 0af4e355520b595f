import { expect, test } from "bun:test";
import { connect, createServer } from "node:net";
import { until } from "../testing/until.ts";
import { TIME_WAIT, tcpState } from "./tcp-state.ts";

const established = 1;

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
    expect(await tcpState(local, { address: host, port })).toBe(established);
    expect(await tcpState(local, { address: host, port: port - 1 })).toBeUndefined();
    socket.resume();
    socket.end();
    await until(
      "it to be over",
      () => tcpState(local, { address: host, port }),
      (state) => state === TIME_WAIT,
    );
    server.close();
  },
);

test("what is no address has no state", async () => {
  expect(await tcpState({ address: "x", port: 1 }, { address: "127.0.0.1", port: 1 })).toBeUndefined();
});
