import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tempDir } from "../../../shared/testing/temp-dir.ts";
import { openWritten, spec, work } from "../../channels/sqlite/testing/writer.ts";
import { good } from "../../testing/fakes/config.ts";
import { fakeRegistry } from "../../testing/fakes/registry.ts";
import { dispatch } from "../dispatch.ts";
import { channelExport } from "./export.ts";
import { channelLs } from "./ls.ts";
import { channelPeek } from "./peek.ts";
import { channelStat } from "./stat.ts";
import { channelVerify } from "./verify.ts";

const verbs = [channelLs, channelStat, channelPeek, channelVerify, channelExport];
const dir = tempDir();
afterAll(() => dir[Symbol.dispose]());

/** Six batches, the second refused by its destination. The agent still runs. */
const store = openWritten(dir.path);
const lane = store.channel("main").createLane(spec);
store.commit(work(lane, 0, 6));
const reader = store.channel("main").reader(lane);
const first = reader.next();
if (first !== undefined) reader.bury(first, "KAFKA_RECORD_REFUSED: too large");
afterAll(() => store.close());

async function call(...args: readonly string[]) {
  let out = "";
  let err = "";
  const code = await dispatch([...args, "--data", dir.path], verbs, {
    registry: fakeRegistry,
    environment: {},
    out: (text) => {
      out += text;
    },
    outBytes: async (bytes) => {
      out += Buffer.from(bytes).toString("utf8");
    },
    err: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}

test("ls and stat show channels, lanes and their books beside a running agent", async () => {
  expect((await call("channel", "ls")).out).toMatch(/^main +\d+ events in \d+ batches, .* {2}1 dead batches\n$/);
  const { out } = await call("channel", "stat");
  expect(out).toContain(`epoch ${store.epoch}`);
  expect(out).toContain(`  ${lane.stream}.0 of ${store.epoch} → ${lane.group}: held `);
  expect(JSON.parse((await call("channel", "stat", "--json")).out)).toMatchObject({
    channels: [{ name: "main", deadBatches: 1 }],
  });
});

test("peek shows as many as asked for, oldest first, and says what policy took", async () => {
  const { out, err } = await call("channel", "peek", "main", "-n", "3");
  const seqs = out
    .trim()
    .split("\n")
    .map((line) => Number(JSON.parse(line).seq));
  const start = first?.count ?? 0;
  expect(seqs).toEqual([start, start + 1, start + 2]);
  expect(err).toContain(`${start} events from number 0 on were dropped`);
});

test("export gives all that is held, and with --dead what was refused", async () => {
  const all = (await call("channel", "export", "--json")).out.trim().split("\n");
  expect(all).toHaveLength(store.channel("main").stat().events);
  const dead = (await call("channel", "export", "--dead", "--json")).out.trim().split("\n");
  expect(dead.map((line) => Number(JSON.parse(line).seq))).toEqual(
    Array.from({ length: first?.count ?? 0 }, (_, n) => n),
  );
});

test("verify says that all is whole", async () => {
  expect(await call("channel", "verify")).toMatchObject({ code: 0, out: "everything that is held is whole\n" });
});

test("a channel that is not there is named with the nearest one", async () => {
  const { code, err } = await call("channel", "peek", "mian");
  expect(code).toBe(2);
  expect(err).toContain('did you mean "main"?');
  expect((await call("channel", "peek", "main", "--count", "many")).err).toContain("not a whole number");
});

test("stat shows whatever a stream has counted, a loss at the source first of all", async () => {
  const counters = ["compressed_skipped", "lost_at_source", "cut"].map((name, index) => ({
    stream: "driving",
    name,
    amount: index + 1,
  }));
  store.commit({ batches: [], positions: [], counters });
  expect((await call("channel", "stat")).out).toContain(
    "stream driving: compressed_skipped 1, cut 3, lost_at_source 2, ",
  );
});

test("a config behind the verb is a config and no channel, before or behind the channel's name", async () => {
  const config = dir.file("tailgate.yaml");
  writeFileSync(config, good.replace("/var/lib/tailgate", dir.path));
  const without = async (...args: readonly string[]) => {
    let out = "";
    const outBytes = async (bytes: Uint8Array) => {
      out += Buffer.from(bytes).toString("utf8");
    };
    const world = {
      registry: fakeRegistry,
      environment: {},
      out: (text: string) => (out += text),
      outBytes,
      err: () => {},
    };
    return { code: await dispatch(args, verbs, world), out };
  };
  const { out } = await without("channel", "export", "--dead", "main", config);
  expect(out).not.toBe("");
  for (const words of [
    ["--dead", config],
    [config, "--dead"],
    [config, "main", "--dead"],
  ]) {
    expect(await without("channel", "export", ...words)).toEqual({ code: 0, out });
  }
  expect((await without("channel", "ls", config)).out).toContain("main");
});
