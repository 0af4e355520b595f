import { expect, test } from "bun:test";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { makeSigningKey, readSigningKey } from "../../shared/signature/keys.ts";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import type { BatchSender } from "../records/batch-sender.ts";
import { blockOf } from "../records/record-block.ts";
import { testRecord } from "../testing/records.ts";
import { BelievedKeys } from "./believed-keys.ts";
import { SenderWatch } from "./sender-watch.ts";

function line(agent: string): string {
  const read = readSigningKey(makeSigningKey());
  if (!read.ok) throw new Error(read.message);
  return `${agent} ${read.value.publicText}\n`;
}

function watched(path: string) {
  const said: string[] = [];
  const keys = new BelievedKeys(path, (signal) => void said.push(signal.name));
  return { said, keys, [Symbol.dispose]: () => keys.stop() };
}

test("a key that is added or taken away counts without a new start; a mistake changes nothing and is said", () => {
  using dir = tempDir();
  const file = dir.file("fleet.keys");
  const first = line("gw-1");
  writeFileSync(file, first);
  using it = watched(file);
  appendFileSync(file, line("gw-2"));
  it.keys.look();
  expect([...it.keys.keys.keys()]).toEqual(["gw-1", "gw-2"]);
  appendFileSync(file, "gw-3 nonsense\n");
  it.keys.look();
  it.keys.look();
  expect([...it.keys.keys.keys()]).toEqual(["gw-1", "gw-2"]);
  rmSync(file);
  it.keys.look();
  writeFileSync(file, first.repeat(2));
  it.keys.look();
  expect([...it.keys.keys.keys()]).toEqual(["gw-1"]);
  const unreadable = "signature_keys_unreadable";
  expect(it.said).toEqual(["signature_keys_read", unreadable, unreadable, "signature_keys_read"]);
});

test("a folder of files: those called *.keys", () => {
  using dir = tempDir();
  mkdirSync(dir.file("keys"));
  writeFileSync(dir.file("keys/a.keys"), line("gw-1"));
  writeFileSync(dir.file("keys/a.keys.swp"), "nonsense");
  using it = watched(dir.file("keys"));
  writeFileSync(dir.file("keys/b.keys"), line("gw-1") + line("gw-2"));
  it.keys.look();
  expect([...it.keys.keys].map(([agent, ids]) => [agent, ids.size])).toEqual([
    ["gw-1", 2],
    ["gw-2", 1],
  ]);
});

test("keys that cannot be read at the start are a mistake of the config", () => {
  using dir = tempDir();
  expect(() => new BelievedKeys(dir.file("none"), () => {})).toThrow("read the keys of signatures");
});

test("records are counted by their batch's signature, and an agent is named when that changes", () => {
  const said: unknown[] = [];
  const watch = new SenderWatch((_, fields) => void said.push(fields));
  const put = (sender: BatchSender, from = 0) =>
    watch.count([{ block: blockOf([testRecord({ offset: 0 }), testRecord({ offset: 1 })], sender), from, to: 2 }]);
  put({ kind: "signed", agent: "a", keyId: "k" });
  put({ kind: "unsigned", agent: "b" });
  put({ kind: "unsigned", agent: "b" }, 1);
  put({ kind: "wrong", agent: "a", reason: "r" });
  put({ kind: "signed", agent: "a", keyId: "k" });
  put({ kind: "unchecked" });
  expect(watch.counts()).toEqual({ signed: 4, unsigned: 3, wronglySigned: 2 });
  expect(said).toEqual([
    { agent: "b", batches: "unsigned" },
    { agent: "a", batches: "wrong", reason: "r" },
    { agent: "a", batches: "signed" },
  ]);
});
