import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { KAFKA_VERSION } from "../../drivers/kafka/distribution.ts";
import type { Bench } from "../bench.ts";

/** What a number is worth nothing without: where it was measured. */
export async function describeMachine(bench: Bench): Promise<Record<string, string>> {
  return {
    CPU: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
    memory: `${Math.round(totalmem() / 1024 ** 3)} GiB`,
    kernel: `Linux ${release()}`,
    system: systemName(),
    disk: bench.disk?.describe() ?? "not measured",
    "broker's files and logs": bench.place.fastIsMemory ? "in memory (tmpfs)" : "on the same disk as the agents' data",
    Kafka: `${KAFKA_VERSION}, one node, defaults, 1 GB heap`,
    Java: await firstLine(["java", "-version"]),
    kcat: await firstLine(["kcat", "-V"], /Version .*/),
    commit: await firstLine(["git", "rev-parse", "--short", "HEAD"]),
  };
}

function systemName(): string {
  if (!existsSync("/etc/os-release")) return "unknown";
  return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown";
}

async function firstLine(command: string[], pattern = /.*/): Promise<string> {
  if (Bun.which(command[0] ?? "") === null) return "not installed";
  const child = Bun.spawn(command, { cwd: import.meta.dir, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return pattern.exec(`${stdout}${stderr}`)?.[0].trim() ?? "unknown";
}
