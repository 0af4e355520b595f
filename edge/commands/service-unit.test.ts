import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { registry } from "../registry.gen.ts";
import { readArguments } from "./command.ts";
import { serviceInstall } from "./service-install.ts";
import { renderUnit } from "./service-unit.ts";

const nothing = { writes: [], secrets: [], readsHomes: false };
const unit = renderUnit({
  binary: "/usr/bin/tailgate",
  config: "/etc/tailgate/tailgate.yaml",
  user: undefined,
  ...nothing,
});

test("the unit notifies, is watched, keeps its state and unpacks on tmpfs", () => {
  for (const line of [
    "Type=notify",
    "WatchdogSec=60",
    "StateDirectory=tailgate",
    "RuntimeDirectory=tailgate",
    "Environment=BUN_TMPDIR=/run/tailgate",
    "Environment=BUN_JSC_forceRAMSize=134217728",
    "Environment=BUN_JSC_largeHeapSize=12582912",
    "Environment=BUN_JSC_smallHeapGrowthFactor=1.25",
    "Environment=BUN_JSC_mediumHeapGrowthFactor=1.25",
    "LimitCORE=0",
    "ProtectHome=yes",
    "ExecStart=/usr/bin/tailgate run --config /etc/tailgate/tailgate.yaml",
    "ProtectSystem=strict",
  ]) {
    expect(unit.split("\n")).toContain(line);
  }
  expect(unit).not.toContain("MemoryDenyWriteExecute=");
});

test("paths with blanks and specifiers are quoted as systemd wants it", () => {
  const text = renderUnit({ binary: "/opt/my apps/tailgate", config: "/etc/50%.yaml", user: "log", ...nothing });
  expect(text).toContain('ExecStart="/opt/my apps/tailgate" run --config /etc/50%%.yaml');
  expect(text).toContain("User=log");
});

test("systemd itself finds nothing to complain about", () => {
  const analyze = Bun.which("systemd-analyze");
  // Where there is no systemd there is nobody to ask: the lines above are looked at there, too.
  if (analyze === null) return;
  using dir = tempDir();
  const file = dir.file("tailgate.service");
  writeFileSync(file, renderUnit({ binary: process.execPath, config: "/etc/tailgate.yaml", user: "root", ...nothing }));
  const { stderr } = Bun.spawnSync([analyze, "verify", "--man=no", file], { stderr: "pipe" });
  const complaints = stderr
    .toString()
    .split("\n")
    .filter((line) => line.includes("tailgate.service"));
  expect(complaints).toEqual([]);
});

function printed(config: string): string {
  let out = "";
  const world = {
    registry,
    environment: {},
    out: (text: string) => (out += text),
    outBytes: async () => {},
    err: () => {},
  };
  serviceInstall.run(readArguments(serviceInstall, ["--print", "--config", config]), world);
  return out;
}

test("the unit names the config by its whole path: a service starts in another folder", () => {
  expect(printed("gw.yaml")).toContain(`run --config ${join(process.cwd(), "gw.yaml")}\n`);
});

test("it may write where the config does and nowhere else, and reads homes only when the config does", () => {
  using dir = tempDir();
  const config = dir.file("tailgate.yaml");
  writeFileSync(
    config,
    `agent: gw-1
dataDir: /srv/tailgate
sources:
  a: { type: tail, paths: ["/home/*/logs/*.log"], channels: main }
channels:
  main: { type: sqlite }
sinks:
  out: { type: file_roll, directory: /srv/lake, channel: main }
  central: { type: relay, url: "https://central:8443", channel: main, token: { file: token }, tls: { ca: { file: ca.pem } } }
admin: { address: /srv/admin/tailgate.sock }
`,
  );
  writeFileSync(dir.file("token"), "a-secret", { mode: 0o600 });
  writeFileSync(dir.file("ca.pem"), "-----BEGIN CERTIFICATE-----");
  const out = printed(config);
  expect(out.split("\n").filter((line) => /^(ReadWritePaths|ProtectHome)=/.test(line))).toEqual([
    "ReadWritePaths=/srv/tailgate",
    "ReadWritePaths=/srv/lake",
    "ReadWritePaths=/srv/admin",
    "ProtectHome=read-only",
  ]);
  const loaded = out.split("\n").filter((line) => line.startsWith("LoadCredential="));
  expect(loaded.map((line) => line.slice(line.indexOf(":") + 1)).sort()).toEqual([
    dir.file("ca.pem"),
    dir.file("token"),
  ]);
  expect(out).not.toContain("a-secret");
});

test("systemd's own judgement of what the unit leaves open is at most 2.5", () => {
  const analyze = Bun.which("systemd-analyze");
  if (analyze === null) return;
  using dir = tempDir();
  const file = dir.file("tailgate.service");
  writeFileSync(file, unit);
  const { stdout, stderr } = Bun.spawnSync([analyze, "security", "--offline=true", "--no-pager", file]);
  const exposure = Number(/exposure level[^:]*: ([\d.]+)/.exec(stdout.toString() + stderr.toString())?.[1]);
  expect(exposure).toBeLessThanOrEqual(2.5);
});
