import { suggest } from "../../shared/config/nearest.ts";
import { type OpenedTap, Tap, type TapOptions, type TapPoint } from "../taps/tap.ts";
import type { AgentChannels } from "./agent-channels.ts";
import type { AgentParts } from "./agent-parts.ts";

/** Lets somebody look at one place of an agent, from the next event on. */
export function openTap(options: TapOptions, parts: AgentParts, channels: AgentChannels): OpenedTap {
  const { point } = options;
  const message = whatIsMissing(point, parts, channels);
  if (message !== undefined) return { kind: "unknown", message };
  const tap = new Tap(options);
  if (!parts.taps.add(tap)) return { kind: "busy" };
  const retap = () => parts.sources.get(point.stream)?.intake?.retap();
  retap();
  const close = () => {
    parts.taps.remove(tap);
    tap.leave();
    retap();
  };
  return { kind: "open", tap, close };
}

function whatIsMissing(point: TapPoint, parts: AgentParts, channels: AgentChannels): string | undefined {
  const { stream } = point;
  if (point.kind === "lane") {
    const lanes = channels.all().flatMap((channel) => channel.lanes().filter((lane) => lane.stream === stream));
    const own = lanes.filter((lane) => point.channel === undefined || lane.channel === point.channel);
    if (own.some((lane) => lane.number === point.lane)) return undefined;
    const known = [...new Set(lanes.map((lane) => `${lane.number} of channel ${lane.channel}`))];
    return missing(`source "${stream}" has no lane ${point.lane} that holds or takes anything`, known.join(", "));
  }
  const run = parts.sources.get(stream);
  if (run === undefined) {
    return missing(`there is no source "${stream}"`, suggest(stream, [...parts.sources.keys()], "sources"));
  }
  if (point.kind === "source") return undefined;
  const names = run.config.interceptors.map(({ name }) => name);
  if (names.includes(point.interceptor)) return undefined;
  const hint = suggest(point.interceptor, names, "interceptors");
  return missing(`source "${stream}" has no interceptor "${point.interceptor}"`, hint);
}

function missing(what: string, hint: string | undefined): string {
  return hint === undefined || hint === "" ? what : `${what} (${hint})`;
}
