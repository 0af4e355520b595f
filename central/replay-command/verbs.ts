/** `tailgate-central replay …`: replays of a running central, from a terminal. */
import { sleep } from "../../shared/async/sleep.ts";
import { AppError, hasCode, messageOf } from "../../shared/errors/app-error.ts";
import type { ReplayArguments } from "./arguments.ts";
import { bodyOf, type CentralAsked } from "./central-asked.ts";
import { codes } from "./codes.ts";
import { outcomeLines, progressLine, type ReplayBody } from "./progress.ts";

/** Where it writes, and until when. */
export interface Terminal {
  /** A line that stays. */
  readonly say: (line: string) => void;
  /** A line that the next one may take the place of. */
  readonly show: (line: string) => void;
  /** What is not the answer. */
  readonly warn: (line: string) => void;
  /** Nobody looks any more: the replay goes on without us. */
  readonly left: AbortSignal;
  readonly lookEveryMs: number;
}

/** Does it. @throws AppError `CENTRAL_COMMAND_…`; `CENTRAL_COMMAND_FAILED` when the replay that was watched has not come to its end. */
export async function runReplayVerb(words: ReplayArguments, central: CentralAsked, terminal: Terminal): Promise<void> {
  const { replays } = central.api.v1;
  switch (words.verb) {
    case "replay start": {
      const { topics, partitions, from, to, vehicle, stream, recordsPerSecondMax, into } = words.definition;
      const json = {
        ...(topics === undefined ? {} : { topics: [...topics] }),
        ...(partitions === undefined ? {} : { partitions: [...partitions] }),
        ...{ from, to, vehicle, stream, recordsPerSecondMax, into },
      };
      const begun = await bodyOf("begin a replay", replays.$post({ json }));
      terminal.say(`Replay #${begun.id} has begun.`);
      if (words.watch) await watch(begun.id, central, terminal);
      return;
    }
    case "replay list": {
      const { replays: jobs } = await bodyOf("list replays", replays.$get({ query: { limit: "100" } }));
      for (const job of jobs) terminal.say(`${progressLine(job)} · ${aboutLine(job)}`);
      if (jobs.length === 0) terminal.say("No replay has been asked for.");
      return;
    }
    case "replay turn": {
      const one = replays[":id"];
      const param = { param: { id: String(words.id) } };
      const turns = { pause: one.pause, resume: one.resume, cancel: one.cancel } as const;
      const job = await bodyOf(`${words.turn} replay ${words.id}`, turns[words.turn].$post(param));
      terminal.say(progressLine(job));
      return;
    }
    case "replay watch":
      return await watch(words.id, central, terminal);
  }
}

/** Until it is over. A central that is away is said, and asked again: the job outlives it. */
async function watch(id: number, central: CentralAsked, terminal: Terminal): Promise<void> {
  const one = central.api.v1.replays[":id"];
  let away = false;
  while (!terminal.left.aborted) {
    try {
      const job = await bodyOf(`watch replay ${id}`, one.$get({ param: { id: String(id) } }));
      away = false;
      if (job.state !== "running" && job.state !== "paused") return over(job, terminal);
      terminal.show(progressLine(job));
    } catch (thrown) {
      if (!hasCode(thrown, codes.CENTRAL_COMMAND_AWAY)) throw thrown;
      if (!away) terminal.warn(`${messageOf(thrown)}; asking again`);
      away = true;
    }
    await sleep(terminal.lookEveryMs, terminal.left);
  }
}

function over(job: ReplayBody, terminal: Terminal): void {
  terminal.say(progressLine(job));
  for (const line of outcomeLines(job)) terminal.say(`  ${line}`);
  if (job.state === "done") return;
  throw new AppError(codes.CENTRAL_COMMAND_FAILED, `replay ${job.id} is ${job.state}`);
}

function aboutLine({ definition, askedBy, askedAtMs }: ReplayBody): string {
  const { topics, vehicle, stream, into } = definition;
  return [
    topics?.join(", ") ?? "all topics",
    ...(vehicle === undefined ? [] : [`vehicle ${vehicle}`]),
    ...(stream === undefined ? [] : [`stream ${stream}`]),
    into.kind === "topic" ? `into the topic ${into.topic}` : "into the store",
    `by ${askedBy}, ${new Date(askedAtMs).toISOString()}`,
  ].join(" · ");
}
