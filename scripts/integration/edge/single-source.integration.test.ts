/**
 * An agent with one source that is pushed to, or reads what it cannot read again: its lines come out while it runs. Nothing else in
 * the agent commits, and nothing stops it.
 */
import { expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { freePort } from "../../../shared/testing/free-port.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { startEdge } from "../../drivers/edge/edge-process.ts";

const over = {
  tcp: (port: number, text: string) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => undefined);
    // The connection stays: its end would be another reason to commit.
    socket.write(text);
    return () => void socket.destroy();
  },
  udp: (port: number, text: string) => {
    const socket = createSocket("udp4");
    for (const line of text.trimEnd().split("\n")) socket.send(line, port, "127.0.0.1");
    return () => void socket.close();
  },
} as const;
const nothing = () => () => undefined;
const syslog = [1, 2, 3].map((n) => `<13>1 2026-01-01T00:00:00Z gw app - - - line ${n}\n`).join("");
const plain = "line 1\nline 2\nline 3\n";
const at = (port: number) => `address: "127.0.0.1:${port}"`;

test.each([
  ["syslog_tcp", at, over.tcp, syslog],
  ["multiport_syslog_tcp", (port: number) => `ports: [${port}]`, over.tcp, syslog],
  ["netcat", (port: number) => `${at(port)}, ackEveryEvent: false`, over.tcp, plain],
  ["netcat", at, over.tcp, plain],
  ["syslog_udp", at, over.udp, syslog],
  ["netcat_udp", at, over.udp, plain],
  ["exec", () => `command: "printf 'line 1\\\\nline 2\\\\nline 3\\\\n'; sleep 60", shell: /bin/sh -c`, nothing, ""],
] as const)("%s alone", async (type, keys, send, text) => {
  using dir = tempDir();
  mkdirSync(dir.file("data"));
  const [port, admin] = [await freePort(), await freePort()];
  writeFileSync(
    dir.file("edge.yaml"),
    `agent: gw-1
dataDir: ${dir.file("data")}
linger: 100ms
admin: { address: "127.0.0.1:${admin}" }
sources: { in: { type: ${type}, ${keys(port)}, channels: main } }
channels: { main: { type: sqlite } }
sinks: { out: { type: "null", channel: main } }
`,
  );
  await using _edge = await startEdge({ configPath: dir.file("edge.yaml") });
  const sent = async () => {
    const answer = await fetch(`http://127.0.0.1:${admin}/status`);
    return /"books":\[\{[^}]*"sent":(\d+)/.exec(await answer.text())?.[1];
  };
  await until("the agent to be up", sent);
  const leave = send(port, text);
  try {
    expect(await until("its lines to be sent", sent, (count) => count === "3", { withinMs: 10_000 })).toBe("3");
  } finally {
    leave();
  }
});
