/** What a request is answered with instead of the real answer; undefined: the real one. */
export type Answer = (url: URL) => Response | Promise<Response> | undefined;

/** A NameNode and its DataNode at one address: files by path. */
export class FakeHdfs implements AsyncDisposable {
  readonly files = new Map<string, Buffer>();
  readonly operations: string[] = [];
  readonly users = new Set<string | null>();
  /** Instead of the real answers, one a request. */
  answers: (Answer | undefined)[] = [];
  /** As before Hadoop 3: where to send bytes stands in the header of a 307. */
  old = false;
  private readonly server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: async (request) => {
      const url = new URL(request.url);
      const given = await this.answers.shift()?.(url);
      if (given !== undefined) return given;
      const path = decodeURIComponent(url.pathname.replace(/^\/(webhdfs\/v1|data)/, ""));
      return url.pathname.startsWith("/data") ? this.take(request, url, path) : this.answer(url, path);
    },
  });

  get address(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  get config() {
    return { url: this.address, path: "/flume/%{stream}/%Y-%m-%d", rollInterval: "200ms", timeout: "2s", user: "edge" };
  }

  get text(): Record<string, string> {
    return Object.fromEntries([...this.files].map(([path, bytes]) => [path, bytes.toString()]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop(true);
  }

  private async take(request: Request, url: URL, path: string): Promise<Response> {
    const bytes = Buffer.from(await request.arrayBuffer());
    const before = url.searchParams.get("op") === "APPEND" ? this.files.get(path) : Buffer.alloc(0);
    if (before === undefined) return remote("FileNotFoundException", 404);
    this.files.set(path, Buffer.concat([before, bytes]));
    return new Response("", { status: url.searchParams.get("op") === "APPEND" ? 200 : 201 });
  }

  private answer(url: URL, path: string): Response {
    const operation = url.searchParams.get("op") ?? "";
    this.operations.push(operation);
    this.users.add(url.searchParams.get("user.name"));
    const at = `${this.address}/data${url.pathname.replace("/webhdfs/v1", "")}${url.search}`;
    switch (operation) {
      case "CREATE":
      case "APPEND":
        if (this.old) return new Response("", { status: 307, headers: { location: at } });
        return Response.json({ Location: at });
      case "RENAME": {
        const file = this.files.get(path);
        if (file === undefined) return remote("FileNotFoundException", 404);
        this.files.delete(path);
        this.files.set(url.searchParams.get("destination") ?? "", file);
        return new Response("");
      }
      default: {
        const file = this.files.get(path);
        if (path !== "/" && file === undefined) return remote("FileNotFoundException", 404);
        return Response.json({ FileStatus: { length: file?.length ?? 0, type: path === "/" ? "DIRECTORY" : "FILE" } });
      }
    }
  }
}

/** How HDFS says that it will not. */
export function remote(exception: string, status = 403): Response {
  return Response.json({ RemoteException: { exception, message: "no", javaClassName: `x.${exception}` } }, { status });
}
