import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tempDir } from "../../shared/testing/temp-dir.ts";
import { renderUnit } from "./service-unit.ts";

const unit = renderUnit({ binary: "/usr/bin/tailgate", config: "/etc/tailgate/tailgate.yaml", user: undefined });

test("the unit notifies, is watched, keeps its state and unpacks on tmpfs", () => {
  for (const line of [
    "Type=notify",
    "WatchdogSec=60",
    "StateDirectory=tailgate",
    "RuntimeDirectory=tailgate",
    "Environment=BUN_TMPDIR=/run/tailgate",
    "Environment=BUN_JSC_forceRAMSize=134217728",
    "Environment=BUN_JSC_largeHeapSize=12582912",
    "Environment=BUN_JSC_smallHeapGrowthFactor=1.5",
    "UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN NODE_OPTIONS",
    "ExecStart=/usr/bin/tailgate run --config /etc/tailgate/tailgate.yaml",
    "ProtectSystem=strict",
  ]) {
    expect(unit.split("\n")).toContain(line);
  }
  expect(unit).not.toContain("MemoryDenyWriteExecute=");
});

test("paths with blanks and specifiers are quoted as systemd wants it", () => {
  const text = renderUnit({ binary: "/opt/my apps/tailgate", config: "/etc/50%.yaml", user: "log" });
  expect(text).toContain('ExecStart="/opt/my apps/tailgate" run --config /etc/50%%.yaml');
  expect(text).toContain("User=log");
});

test("systemd itself finds nothing to complain about", () => {
  const analyze = Bun.which("systemd-analyze");
  // Where there is no systemd there is nobody to ask: the lines above are looked at there, too.
  if (analyze === null) return;
  using dir = tempDir();
  const file = dir.file("tailgate.service");
  writeFileSync(file, renderUnit({ binary: process.execPath, config: "/etc/tailgate.yaml", user: "root" }));
  const { stderr } = Bun.spawnSync([analyze, "verify", "--man=no", file], { stderr: "pipe" });
  const complaints = stderr
    .toString()
    .split("\n")
    .filter((line) => line.includes("tailgate.service"));
  expect(complaints).toEqual([]);
});
