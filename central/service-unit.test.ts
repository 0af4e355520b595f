import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tempDir } from "../shared/testing/temp-dir.ts";
import { renderCentralUnit } from "./service-unit.ts";

const options = { binary: process.execPath, config: "/etc/tailgate/central.yaml", user: undefined, secrets: [] };

test("central runs as a user of its own that may write to its store alone", () => {
  const inside = renderCentralUnit({ ...options, store: "/var/lib/tailgate-central/central.db" });
  for (const line of [
    "Type=notify",
    "WatchdogSec=60",
    "ExecReload=/bin/kill -HUP $MAINPID",
    "DynamicUser=yes",
    "ProtectSystem=strict",
    "ProtectHome=yes",
    "UMask=0077",
    "LimitNOFILE=65536",
    "LimitCORE=0",
    "UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN BUN_INSPECT BUN_CRASH_REPORT_URL NODE_OPTIONS",
  ]) {
    expect(inside.split("\n")).toContain(line);
  }
  expect(inside).not.toContain("ReadWritePaths");
  const outside = renderCentralUnit({ ...options, user: "central", store: "/srv/my data/central.db" });
  expect(outside).toContain('ReadWritePaths="/srv/my data"\n');
  expect(outside).toContain("User=central\n");
  const lake = renderCentralUnit({ ...options, store: "/var/lib/tailgate-central/central.db", lake: "/srv/lake" });
  expect(lake.match(/^ReadWritePaths=.*$/gm)).toEqual(["ReadWritePaths=/srv/lake"]);
  // A server is no folder.
  const server = renderCentralUnit({ ...options, store: "postgres://central@db:5432/fleet" });
  expect(server).not.toContain("ReadWritePaths");
});

test("systemd itself finds nothing to complain about, and thinks it safe", () => {
  const analyze = Bun.which("systemd-analyze");
  // Where there is no systemd there is nobody to ask: the lines above are looked at there, too.
  if (analyze === null) return;
  using dir = tempDir();
  const file = dir.file("tailgate-central.service");
  writeFileSync(file, renderCentralUnit({ ...options, store: "/var/lib/tailgate-central/central.db" }));
  const verified = Bun.spawnSync([analyze, "verify", "--man=no", file], { stderr: "pipe" }).stderr.toString();
  expect(verified.split("\n").filter((line) => line.includes("tailgate-central.service"))).toEqual([]);
  const security = Bun.spawnSync([analyze, "security", "--offline=true", "--no-pager", file]).stdout.toString();
  const level = Number(/exposure level for \S+: ([\d.]+)/.exec(security)?.[1]);
  expect(level).toBeLessThanOrEqual(2.5);
});
