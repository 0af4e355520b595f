import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..", "..", "..", "..");

let built: Promise<string> | undefined;

/** The compiled edge for this machine, as it is shipped; built once a run. */
export function edgeBinary(): Promise<string> {
  built ??= build();
  return built;
}

async function build(): Promise<string> {
  const given = process.env.TAILGATE_BINARY;
  if (given !== undefined) return given;
  const path = join(root, "dist", `tailgate-linux-${process.arch}`);
  const run = Bun.spawn([process.execPath, "scripts/build.ts"], { cwd: root, stdout: "ignore", stderr: "pipe" });
  const complaint = await run.stderr.text();
  if ((await run.exited) !== 0 || !existsSync(path)) throw new Error(`build the edge: ${complaint}`);
  return path;
}
