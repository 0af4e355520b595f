import { z } from "zod";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Arguments, Command, CommandContext } from "../command.ts";
import { adminOptions, adminPeer, codes } from "./admin-peer.ts";

/** What an agent says once a second of what was not shown. */
const Counts = z.object({ kind: z.literal("counts"), seen: z.number(), skipped: z.number(), lost: z.number() });
type Counts = z.output<typeof Counts>;

/** No line of an agent is longer. */
const lineCharactersMax = 1024 * 1024;

/** `tailgate tap`. */
export const tap: Command = {
  name: "tap",
  summary: "Shows events of a running agent as they pass, a JSON object each; a few a second, and nothing waits for it",
  positionals: ["<source>", "[config]"],
  options: {
    ...adminOptions,
    interceptor: { summary: "As this interceptor leaves them; `kept` says whether it kept them", value: "name" },
    lane: { summary: "As they are handed to the sink: lane so many of the source", value: "number" },
    channel: { summary: "With --lane: of this channel", value: "name" },
    rate: { summary: "How many a second at most (default: 10; at most 1000)", value: "n" },
    bytes: { summary: "How many bytes of a body (default: 512; at most 8192)", value: "n" },
    count: { summary: "Ends after so many", value: "n", short: "n" },
  },
  details: `Without --interceptor or --lane: as the source appends them, before any interceptor.
What is beyond the rate is skipped, what this reader is too slow for is lost; both are said on standard error.
The agent answers on a Unix socket, or on loopback where its config says \`admin.tap: true\`.`,
  async run(given, world) {
    const [source = "", config] = given.positionals;
    const asked = new URLSearchParams({ source });
    for (const name of ["interceptor", "lane", "channel", "rate", "bytes"]) {
      const value = given.value(name);
      if (value !== undefined) asked.set(name, value);
    }
    const countMax = countOf(given);
    const peer = adminPeer(given, world, config);
    if (peer === undefined) return 2;
    const ending = new AbortController();
    const response = await peer.get(`/tap?${asked}`, ending.signal);
    if (!response.ok || response.body === null) {
      world.err(`${peer.shown} answers ${response.status}: ${(await response.text()).trim()}\n`);
      return response.status === 400 || response.status === 404 ? 2 : 1;
    }
    try {
      if (await follow(response.body, countMax, world)) return 0;
    } finally {
      ending.abort();
    }
    throw new AppError(codes.EDGE_AGENT_UNREACHABLE, `read from ${peer.shown}: the agent has ended the tap`);
  },
};

/** Shows what comes; true when it was as much as was asked for. */
async function follow(body: ReadableStream<Uint8Array>, countMax: number, world: CommandContext): Promise<boolean> {
  let shown = 0;
  let before: Counts = { kind: "counts", seen: 0, skipped: 0, lost: 0 };
  for await (const line of linesOf(body)) {
    const counts = countsIn(line);
    if (counts === undefined) {
      world.out(`${line}\n`);
      if (++shown >= countMax) return true;
      continue;
    }
    const skipped = counts.skipped - before.skipped;
    const lost = counts.lost - before.lost;
    before = counts;
    if (skipped > 0) world.err(`${skipped} more events passed: --rate shows more\n`);
    if (lost > 0) world.err(`${lost} samples are lost: this reader is too slow\n`);
  }
  return false;
}

function countsIn(line: string): Counts | undefined {
  if (!line.startsWith('{"kind":"counts"')) return undefined;
  const parsed = Counts.safeParse(JSON.parse(line));
  return parsed.success ? parsed.data : undefined;
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const part of body) {
    const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > lineCharactersMax)
      throw new AppError(codes.EDGE_AGENT_UNREACHABLE, "read a tap: a line has no end");
    yield* lines;
  }
}

function countOf(given: Arguments): number {
  const text = given.value("count");
  if (text === undefined) return Number.POSITIVE_INFINITY;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new AppError("USAGE", `tailgate tap: --count "${text}" is not a number of events`);
}
