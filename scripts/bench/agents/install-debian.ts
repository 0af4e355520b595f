import { existsSync } from "node:fs";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes } from "../codes.ts";

/**
 * Installs Debian packages when one of the files that they bring is missing. Services are not started by it: what the
 * bench runs, it starts itself.
 *
 * @throws AppError `BENCH_FAILED` saying what to install when this cannot be done here.
 */
export async function installDebian(
  packages: readonly string[],
  files: readonly string[],
  progress: (text: string) => void,
): Promise<void> {
  if (files.every((file) => existsSync(file)) && (await installed(packages))) return;
  const command = `apt-get install ${packages.join(" ")}`;
  if (Bun.which("apt-get") === null || process.getuid?.() !== 0) {
    throw new AppError(
      codes.BENCH_FAILED,
      `${packages.join(", ")} not installed, and no root or no apt-get: run ${command}`,
    );
  }
  progress(`installing ${packages.join(", ")}`);
  for (const step of [
    ["apt-get", "update", "-qq"],
    ["apt-get", "install", "-y", "-qq", "--no-install-recommends", ...packages],
  ]) {
    const child = Bun.spawn(step, {
      stdin: "ignore",
      stdout: "ignore",
      stderr: "pipe",
      // 101: "do not start the service" for packages that ask through policy-rc.d's interface.
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    });
    const complaint = await new Response(child.stderr).text();
    if ((await child.exited) !== 0) {
      throw new AppError(codes.BENCH_FAILED, `${step.join(" ")}: ${complaint.trim().slice(-300)}`);
    }
  }
}

async function installed(packages: readonly string[]): Promise<boolean> {
  if (Bun.which("dpkg") === null) return true;
  const query = Bun.spawn(["dpkg", "-s", ...packages], { stdout: "pipe", stderr: "ignore" });
  const found = (await query.stdout.text()).match(/^Status: install ok installed$/gm) ?? [];
  return found.length === packages.length;
}
