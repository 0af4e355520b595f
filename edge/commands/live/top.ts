import { parseDuration } from "../../../shared/config/duration.ts";
import { AppError, messageOf } from "../../../shared/errors/app-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { type AdminPeer, adminOptions, adminPeer, codes } from "./admin-peer.ts";
import { figures, renderTable } from "./figures.ts";
import { readSnapshot, type Snapshot } from "./snapshot.ts";

/** An agent that does not answer within this is as good as away. */
const answerMs = 10_000;
const everyMsMin = 100;

/** `tailgate top`. */
export const top: Command = {
  name: "top",
  summary: "Shows a running agent: rates by component, how full its channels are, its lanes",
  positionals: ["[config]"],
  options: {
    ...adminOptions,
    every: { summary: "How often (default: 2s)", value: "time" },
    once: { summary: "Looks twice, shows the rates between, and ends" },
  },
  details:
    "Asks the admin HTTP for /status. Where the output is no terminal, it is plain lines, one block after the other.",
  async run(given, world) {
    const everyMs = everyOf(given.value("every"));
    const peer = adminPeer(given, world, given.positionals[0]);
    if (peer === undefined) return 2;
    let before = await look(peer);
    for (;;) {
      await Bun.sleep(everyMs);
      const now = await look(peer).catch((thrown: unknown) => {
        if (given.flag("once")) throw thrown;
        // An agent that is restarted comes back.
        return messageOf(thrown);
      });
      if (typeof now === "string") {
        show([now], world);
        continue;
      }
      show(page(before, now), world);
      if (given.flag("once")) return 0;
      before = now;
    }
  },
};

function everyOf(text: string | undefined): number {
  const ms = text === undefined ? 2_000 : parseDuration(text);
  if (ms !== undefined && ms >= everyMsMin) return ms;
  throw new AppError("USAGE", `tailgate top: --every "${text}" is not a time of at least ${everyMsMin}ms`);
}

async function look(peer: AdminPeer): Promise<Snapshot> {
  const response = await peer.get("/status", AbortSignal.timeout(answerMs));
  const body: unknown = response.ok ? await response.json().catch(() => undefined) : undefined;
  const snapshot = readSnapshot(body, performance.now());
  if (snapshot !== undefined) return snapshot;
  const message = `ask ${peer.shown} for /status: ${response.status}, which is not what an agent answers`;
  throw new AppError(codes.EDGE_AGENT_UNREACHABLE, message);
}

function page(before: Snapshot, now: Snapshot): readonly string[] {
  const { agent, state, unready } = now;
  const head = [`agent ${agent}: ${state}`, ...unready.map((reason) => `not ready: ${reason}`)];
  return [...head, ...figures(before, now).flatMap((table) => ["", ...renderTable(table)])];
}

function show(lines: readonly string[], { screen, out }: CommandContext): void {
  if (screen === undefined) out(`${lines.join("\n")}\n\n`);
  else screen(lines);
}
