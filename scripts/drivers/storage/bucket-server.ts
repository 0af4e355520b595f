/**
 * A real S3 server: versitygw over a folder, built once from its Go module into the user's cache. A bucket is a folder, an
 * object a file in it, so that a test reads what is there without our code.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../../shared/errors/app-error.ts";
import { type Child, startChild } from "../../../shared/testing/child.ts";
import { freePort } from "../../../shared/testing/free-port.ts";
import { type TempDir, tempDir } from "../../../shared/testing/temp-dir.ts";
import { until } from "../../../shared/testing/until.ts";
import { codes } from "../codes.ts";
import { cacheFolder, runTool } from "../kafka/distribution.ts";

const module = "github.com/versity/versitygw";
const version = "v1.8.0";

function goTool(): string | null {
  return Bun.which("go", { PATH: `${process.env.PATH}:/usr/local/go/bin:/usr/lib/go/bin` });
}

/** Whether this machine has the server, or the Go tools to build it. */
export function hasBucketServer(): boolean {
  return goTool() !== null || existsSync(join(cacheFolder(), `versitygw-${version}`));
}

/** The program. @throws AppError `TOOL_MISSING` when Go is not installed, or could not fetch or build it. */
async function program(): Promise<string> {
  const folder = join(cacheFolder(), `versitygw-${version}`);
  const file = join(folder, "versitygw");
  if (existsSync(file)) return file;
  const go = goTool();
  if (go === null) throw new AppError(codes.TOOL_MISSING, "go is needed to build the S3 server of the tests (golang)");
  const partial = `${folder}.part-${process.pid}`;
  mkdirSync(partial, { recursive: true });
  try {
    writeFileSync(join(partial, "go.mod"), "module tailgate/bucket\n\ngo 1.24\n");
    const inFolder = (...words: string[]) => runTool(`go ${words[0]} ${module}`, [go, "-C", partial, ...words]);
    await inFolder("get", `${module}/cmd/versitygw@${version}`);
    await inFolder("build", "-o", "versitygw", `${module}/cmd/versitygw`);
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return file;
}

/** A server with one bucket. */
export class BucketServer implements AsyncDisposable {
  readonly bucket = "telemetry";
  readonly accessKeyId = "testkey";
  readonly secretAccessKey = "testsecret123";
  private child: Child | undefined;

  private constructor(
    private readonly binary: string,
    private readonly folder: TempDir,
    private readonly port: number,
  ) {}

  static async open(): Promise<BucketServer> {
    const server = new BucketServer(await program(), tempDir(), await freePort());
    mkdirSync(join(server.root, server.bucket), { recursive: true });
    mkdirSync(server.folder.file("meta"), { recursive: true });
    await server.start();
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async start(): Promise<void> {
    const { folder, root, port, binary } = this;
    this.child = startChild({
      name: "versitygw",
      command: [binary, "--port", `127.0.0.1:${port}`, "posix", "--sidecar", folder.file("meta"), root],
      env: { ROOT_ACCESS_KEY: this.accessKeyId, ROOT_SECRET_KEY: this.secretAccessKey },
    });
    await until("the S3 server to answer", () => answers(this.endpoint), Boolean, { withinMs: 30_000 });
  }

  /** -9. */
  async kill(): Promise<void> {
    await this.child?.[Symbol.asyncDispose]();
  }

  /** The objects of the bucket, by key, as they lie on the disk. */
  objects(): ReadonlyMap<string, Buffer> {
    const found = new Map<string, Buffer>();
    const at = join(this.root, this.bucket);
    for (const entry of readdirSync(at, { recursive: true })) {
      const key = String(entry);
      // Uploads that were not finished are below a folder of the server's own.
      if (key.startsWith(".sgwtmp") || !statSync(join(at, key)).isFile()) continue;
      found.set(key, readFileSync(join(at, key)));
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    this.folder[Symbol.dispose]();
  }

  private get root(): string {
    return this.folder.file("root");
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(url, { signal: AbortSignal.timeout(1_000) });
    return true;
  } catch {
    return false;
  }
}
