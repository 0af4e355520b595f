import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Bench } from "../bench.ts";
import { codes } from "../codes.ts";
import type { BenchCase } from "./case.ts";
import { pacedLingers } from "./low-rate.ts";

const delayMs = 25;

/** 100 lines a second on a disk that takes 25 ms to sync, as worn flash does. */
export const slowFsync: BenchCase = {
  name: "slow-fsync",
  title: "100 lines a second, every fsync 25 ms slower",
  about: "low-rate with fsync and fdatasync made 25 ms slow by LD_PRELOAD (needs gcc)",
  method: `As "100 lines a second", with a library preloaded that sleeps ${delayMs} ms in each fsync and fdatasync.`,
  page: "edge",
  size: "ordinary",
  peers: false,
  rows: "median",
  columns: ["p50Ms", "p99Ms", "maxMs", "lagP99Ms", "cpuPercent", "requestsPerSecond", "lost", "repeated"],
  targets: [
    { variant: "linger 50 ms", column: "p99Ms", atMost: 150 },
    { variant: "linger 50 ms", column: "lagP99Ms", atMost: 30 },
  ],
  async *run(bench) {
    const shim = await buildShim(bench);
    for (let run = 0; run < bench.options.runs; run++) {
      yield* pacedLingers(bench, [{ variant: "linger 50 ms", lingerMs: 50 }], { env: { LD_PRELOAD: shim } });
    }
  },
};

const source = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
#define SLOW(name) int name(int fd) { \\
  static int (*real)(int); \\
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, #name); \\
  usleep(${delayMs * 1000}); \\
  return real(fd); \\
}
SLOW(fsync)
SLOW(fdatasync)
`;

/** @throws AppError `BENCH_FAILED` when there is no compiler. */
async function buildShim(bench: Bench): Promise<string> {
  const path = join(bench.place.data, "slow-fsync.so");
  writeFileSync(`${path}.c`, source);
  if (Bun.which("gcc") === null) throw new AppError(codes.BENCH_FAILED, "compile the slow fsync: there is no gcc");
  const compiler = Bun.spawn(["gcc", "-shared", "-fPIC", "-O2", "-o", path, `${path}.c`, "-ldl"], { stderr: "pipe" });
  const complaint = await compiler.stderr.text();
  if ((await compiler.exited) !== 0) throw new AppError(codes.BENCH_FAILED, `compile the slow fsync: ${complaint}`);
  return path;
}
