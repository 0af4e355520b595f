import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { loadConfig } from "../config/load-config.ts";
import { changeableFiles } from "../config/trust.ts";
import { registry } from "../registry.gen.ts";

const me = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };

function config(sink: string): string {
  return `agent: gw-1
dataDir: /var/lib/tailgate
sources:
  a: { type: tail, paths: ["/var/log/*.log"], channels: main }
channels:
  main: { type: sqlite }
sinks:
  out: { type: kafka, topic: t, channel: main, ${sink} }
`;
}

function loaded(path: string, environment: Record<string, string> = {}) {
  const found = loadConfig(path, registry, environment);
  if (!found.ok) throw new Error(JSON.stringify(found.problems));
  return found;
}

test.each([
  [0o600, undefined],
  [0o644, undefined],
  [0o666, "everybody on this machine can change it"],
])("a config of mode %o: %p", (mode, said) => {
  using dir = tempDir();
  const file = dir.file("tailgate.yaml");
  writeFileSync(file, "");
  chmodSync(file, mode);
  expect(changeableFiles([file], me)[0]?.message).toBe(said as string);
});

test("another group's right to write counts, that of root and one's own does not", () => {
  using dir = tempDir();
  const file = dir.file("tailgate.yaml");
  writeFileSync(file, "");
  chmodSync(file, 0o660);
  expect(changeableFiles([file], me)).toEqual([]);
  const other = { uid: me.uid, gid: me.gid + 4_242 };
  if (me.gid !== 0) expect(changeableFiles([file], other)[0]?.message).toBe(`group ${me.gid} can change it`);
});

test("a file of somebody else's can be changed by them, and one in a folder of everybody's be replaced", () => {
  using dir = tempDir();
  const file = dir.file("open/tailgate.yaml");
  mkdirSync(dirname(file));
  writeFileSync(file, "");
  expect(changeableFiles([file], me)).toEqual([]);
  chmodSync(dirname(file), 0o777);
  expect(changeableFiles([file], me)[0]?.message).toBe(
    `its folder ${dirname(file)}: everybody on this machine can change it`,
  );
  chmodSync(dirname(file), 0o1777);
  expect(changeableFiles([file], me)).toEqual([]);
  if (me.uid !== 0) return;
  chownSync(file, 65_534, 0);
  expect(changeableFiles([file], me)[0]?.message).toBe("user 65534, whom it belongs to, can change it");
});

test("a module and a secret that others can change are refused, a secret that everybody can read is said", () => {
  using dir = tempDir();
  const [file, module, secret] = ["tailgate.yaml", "mask.ts", "password"].map((name) => dir.file(name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(module, "export default () => () => true;");
  writeFileSync(secret, "hush");
  const text = config(
    `brokers: ["127.0.0.1:9092"], sasl: { mechanism: plain, username: u, password: { file: ${secret} } }`,
  );
  writeFileSync(
    file,
    text.replace("channels: main }", `channels: main, interceptors: [{ type: module, path: ${module} }] }`),
  );
  chmodSync(secret, 0o644);
  expect(loaded(file).untrusted).toEqual([]);
  expect(loaded(file).warnings.map(({ file: at, message }) => [at, message])).toContainEqual([
    secret,
    "everybody on this machine can read this secret",
  ]);
  for (const changed of [module, secret]) {
    chmodSync(changed, 0o666);
    expect(loaded(file).untrusted.map((problem) => problem.file)).toEqual([changed]);
    chmodSync(changed, 0o600);
  }
});

test.each([
  ["sasl: { mechanism: plain, username: u, password: p }", ["sinks.out.sasl.mechanism"]],
  ["sasl: { mechanism: plain, username: u, password: p }, tls: {}", []],
  ["sasl: { mechanism: scram-sha-512, username: u, password: p }", []],
  ["tls: { verify: false }", ["sinks.out.tls.verify"]],
])("a link that is open to all is refused, on the way and not at home: %s", (written, keys) => {
  using dir = tempDir();
  const file = dir.file("tailgate.yaml");
  writeFileSync(file, config(`brokers: ["kafka-1:9092"], ${written}`));
  expect(loaded(file).untrusted.map(({ key }) => key)).toEqual(keys);
  writeFileSync(file, config(`brokers: ["127.0.0.1:9092"], ${written}`));
  expect(loaded(file).untrusted).toEqual([]);
});

test("what came from a variable or a file is not shown, wherever it stands; a default is", () => {
  using dir = tempDir();
  const [file, held] = [dir.file("tailgate.yaml"), dir.file("held")];
  writeFileSync(held, "from-a-file");
  const written = `brokers: ["\${BROKERS}"], clientId: "\${file:${held}}"`;
  writeFileSync(file, config(written).replace("topic: t", `topic: "\${TOPIC:-driving}"`));
  const shown = JSON.stringify(loaded(file, { BROKERS: "hidden-1:9092,hidden-2:9092" }).effective);
  expect(shown).not.toContain("hidden");
  expect(shown).not.toContain("from-a-file");
  expect(shown).toContain('"topic":"driving"');
});
