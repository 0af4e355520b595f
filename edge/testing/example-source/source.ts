import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Context } from "../../core/context.ts";
import { limits } from "../../core/limits.ts";
import type { Intake, Source } from "../../core/source.ts";
import { type PushAnswer, PushDesk, type PushedEvent } from "../../records/push-desk.ts";
import type { Config } from "./config.ts";

const Line = z.strictObject({
  /** Base64. */
  body: z.base64(),
  key: z.string().optional(),
  time: z.int().optional(),
  headers: z.record(z.string(), z.string()).optional(),
});

/** POST of lines; see the answers below. */
export class ExamplePushSource implements Source {
  private readonly desk: PushDesk;
  private server: Bun.Server<undefined> | undefined;

  constructor(
    private readonly config: Config,
    private readonly context: Context,
  ) {
    const { sendersMax, answerWithin } = config;
    this.desk = new PushDesk({ sendersMax, answerWithinMs: answerWithin });
  }

  async start(): Promise<void> {
    this.server = Bun.serve({
      hostname: "127.0.0.1",
      port: this.config.port,
      maxRequestBodySize: 2 * limits.pendingBytesMax,
      idleTimeout: 60,
      fetch: (request) => this.take(request),
    });
    writeFileSync(join(this.context.dataDir, `${this.context.name}.port`), String(this.server.port));
  }

  run(intake: Intake, signal: AbortSignal): Promise<void> {
    return this.desk.run(intake, signal);
  }

  async stop(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    await server?.stop(true);
  }

  status(): Readonly<Record<string, unknown>> {
    return { port: this.server?.port, ...this.desk.status() };
  }

  private async take(request: Request): Promise<Response> {
    const events = parse(await request.text());
    if (events === undefined) return new Response("not a list of events", { status: 400 });
    return answerOf(await this.desk.offer(events, request.signal));
  }
}

function parse(text: string): readonly PushedEvent[] | undefined {
  const events: PushedEvent[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    let raw: unknown;
    try {
      raw = JSON.parse(line);
    } catch {
      return undefined;
    }
    const parsed = Line.safeParse(raw);
    if (!parsed.success) return undefined;
    const { body, key, time, headers } = parsed.data;
    events.push({
      body: Buffer.from(body, "base64"),
      ...(key === undefined ? {} : { key }),
      ...(time === undefined ? {} : { eventTimeMs: time }),
      ...(headers === undefined ? {} : { headers }),
    });
  }
  return events;
}

/** 200: durable. 202: taken, and a crash may lose it. 504: nobody knows. The others: not taken. */
function answerOf(answer: PushAnswer): Response {
  switch (answer.kind) {
    case "taken":
      return answer.durable
        ? new Response("stored\n")
        : new Response("taken, and kept in memory only: a crash loses it\n", { status: 202 });
    case "unknown":
      return new Response("it may have been taken\n", { status: 504 });
    case "not_taken":
      return new Response(`not taken: ${answer.reason}\n`, { status: answer.reason === "too_large" ? 413 : 503 });
  }
}
