/** The verbs against an agent whose answers the test writes. */
import { expect, test } from "bun:test";
import { AppError } from "../../../shared/errors/app-error.ts";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { fakeRegistry } from "../../testing/fakes/registry.ts";
import { type Command, type CommandContext, readArguments } from "../command.ts";
import { AdminPeer } from "./admin-peer.ts";
import { tap } from "./tap.ts";
import { top } from "./top.ts";

/** Runs a verb; what it wrote, its exit code, or the code of its error. */
async function call(command: Command, words: readonly string[], changes: Partial<CommandContext> = {}) {
  const said = { out: "", err: "" };
  const world: CommandContext = {
    registry: fakeRegistry,
    environment: {},
    out: (text) => {
      said.out += text;
    },
    outBytes: async () => {},
    err: (text) => {
      said.err += text;
    },
    ...changes,
  };
  try {
    return { code: await command.run(readArguments(command, words), world), ...said };
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown;
    return { code: thrown.code, message: thrown.message, ...said };
  }
}

/** An agent that answers so, on a Unix socket. */
async function withAgent(
  answer: (url: URL) => Response | Promise<Response>,
  use: (address: string) => Promise<void>,
): Promise<void> {
  using dir = tempDir();
  const unix = dir.file("admin.sock");
  const server = Bun.serve({ unix, fetch: (request) => answer(new URL(request.url)) });
  try {
    await use(unix);
  } finally {
    await server.stop(true);
  }
}

const line = (value: unknown) => `${JSON.stringify(value)}\n`;

test("tap asks for what was said, shows events, and says what was skipped and what was lost since", async () => {
  const asked: string[] = [];
  const parts = [
    line({ kind: "counts", seen: 0, skipped: 0, lost: 0 }),
    '{"kind":"event","bo',
    'dy":"ä"}\n',
    line({ kind: "counts", seen: 9, skipped: 5, lost: 3 }),
    line({ kind: "counts", seen: 9, skipped: 5, lost: 4 }),
    line({ kind: "event", body: "2" }),
    line({ kind: "event", body: "3" }),
  ];
  await withAgent(
    ({ searchParams }) => {
      asked.push(searchParams.toString());
      return new Response(
        (async function* () {
          for (const part of parts) yield Buffer.from(part);
        })(),
      );
    },
    async (address) => {
      const words = ["a", "--admin", address, "--lane", "3", "--channel", "main", "--rate", "20", "-n", "2"];
      expect(await call(tap, words)).toEqual({
        code: 0,
        out: '{"kind":"event","body":"ä"}\n{"kind":"event","body":"2"}\n',
        err: "5 more events passed: --rate shows more\n3 samples are lost: this reader is too slow\n1 samples are lost: this reader is too slow\n",
      });
      // All was read, and the agent has ended it: that is not what was asked for.
      expect(await call(tap, ["a", "--admin", address])).toMatchObject({ code: "EDGE_AGENT_UNREACHABLE" });
    },
  );
  expect(asked[0]).toBe("source=a&lane=3&channel=main&rate=20");
});

test("tap: a line without an end is not kept, and a count that is none is refused", async () => {
  await withAgent(
    () => new Response("x".repeat(2 * 1024 * 1024)),
    async (address) => {
      expect(await call(tap, ["a", "--admin", address])).toMatchObject({
        code: "EDGE_AGENT_UNREACHABLE",
        message: "read a tap: a line has no end",
      });
      for (const count of ["0", "-1", "1.5", "many"]) {
        expect(await call(tap, ["a", "--admin", address, `--count=${count}`])).toMatchObject({ code: "USAGE" });
      }
    },
  );
});

test("top goes on over an agent that is restarted, in the place of what it showed before", async () => {
  let asked = 0;
  const status = { agent: "gw-1", state: "running", unready: ["channel main is full"] };
  const shown: string[] = [];
  class Enough extends Error {}
  await withAgent(
    () => (++asked === 2 ? new Response("away", { status: 502 }) : Response.json(status)),
    async (address) => {
      const screen = (lines: readonly string[]) => {
        shown.push(lines.slice(0, 2).join("|"));
        if (shown.length === 2) throw new Enough();
      };
      const ended = call(top, ["--admin", address, "--every", "100ms"], { screen });
      expect(await ended.catch((thrown: unknown) => thrown instanceof Enough)).toBe(true);
    },
  );
  expect(shown[0]).toContain("502, which is not what an agent answers");
  expect(shown[1]).toBe("agent gw-1: running|not ready: channel main is full");
});

test("an address where nobody listens is said with the way out; one that listens everywhere is asked here", async () => {
  expect(await call(top, ["--admin", "127.0.0.1"])).toMatchObject({ code: "USAGE" });
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: ({ url }) => new Response(url) });
  try {
    const port = Number(server.port);
    const peer = new AdminPeer({ kind: "tcp", host: "0.0.0.0", port });
    expect(await (await peer.get("/status")).text()).toBe(`http://127.0.0.1:${port}/status`);
  } finally {
    await server.stop(true);
  }
  const nobody = new AdminPeer({ kind: "unix", path: "/nowhere/admin.sock" });
  const failed = await nobody.get("/status").catch((thrown: unknown) => thrown);
  expect(failed).toMatchObject({ code: "EDGE_AGENT_UNREACHABLE" });
});
