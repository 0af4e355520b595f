import { suggest } from "../../shared/config/nearest.ts";
import type { SinkConfig } from "./agent-config.ts";
import type { ConfigDocument } from "./document.ts";
import type { Problem } from "./problem.ts";

/** A sink as it was read, before it is known which channel it drains. */
export type UnlinkedSink = Pick<SinkConfig, "type" | "make" | "layout" | "needsIdentity">;

/** A sink that a group names, and where. */
export interface MemberName {
  readonly name: string;
  readonly path: readonly PropertyKey[];
}

interface Links {
  readonly document: ConfigDocument;
  /** `undefined` for a sink that has mistakes. */
  readonly makers: ReadonlyMap<string, UnlinkedSink | undefined>;
  readonly channelOf: ReadonlyMap<string, string>;
  /** By group. */
  readonly membersOf: ReadonlyMap<string, readonly MemberName[]>;
}

/**
 * Puts members into their groups. A member drains what its group drains; a group lays events out as its first member
 * does that says how (that all of them agree is a rule of its own).
 */
export function linkSinks(links: Links): {
  readonly sinks: ReadonlyMap<string, SinkConfig | undefined>;
  readonly problems: readonly Problem[];
} {
  const { makers, membersOf } = links;
  const problems = [...membersOf].flatMap(([group, members]) => wrongMembers(links, group, members));
  const groupOf = new Map([...membersOf].flatMap(([group, names]) => names.map(({ name }) => [name, group] as const)));
  const circle = [...membersOf.keys()].filter((name) => topOf(name, groupOf) === undefined);
  for (const name of circle) {
    problems.push(
      links.document.problem(["sinks", name], "is a member of itself, by way of its members", undefined, "key"),
    );
  }
  for (const name of makers.keys()) problems.push(...wrongChannel(links, name, groupOf));
  const sinks = new Map<string, SinkConfig | undefined>();
  for (const name of makers.keys()) {
    const top = topOf(name, groupOf);
    const channel = top === undefined ? undefined : links.channelOf.get(top);
    sinks.set(name, channel === undefined ? undefined : configOf(links, name, channel));
  }
  return { sinks, problems };
}

function wrongMembers(
  { document, makers, membersOf }: Links,
  group: string,
  members: readonly MemberName[],
): Problem[] {
  const names = members.map(({ name }) => name);
  return members.flatMap(({ name, path }, index) => {
    if (!makers.has(name))
      return [document.problem(path, `there is no sink "${name}"`, suggest(name, [...makers.keys()], "sinks"))];
    if (names.indexOf(name) < index) return [document.problem(path, `sink "${name}" is named twice`)];
    const other = [...membersOf].find(
      ([each, theirs]) => each !== group && theirs.some((their) => their.name === name),
    )?.[0];
    const isLater = other !== undefined && [...membersOf.keys()].indexOf(other) < [...membersOf.keys()].indexOf(group);
    return isLater ? [document.problem(path, `sink "${name}" is a member of group "${other}" already`)] : [];
  });
}

function wrongChannel({ document, channelOf }: Links, name: string, groupOf: ReadonlyMap<string, string>): Problem[] {
  const group = groupOf.get(name);
  const channel = channelOf.get(name);
  const path = ["sinks", name, "channel"];
  if (group === undefined) {
    const hint = "the channel that it drains; only a sink that a group names has none of its own";
    return channel === undefined ? [document.problem(path, "is missing", hint)] : [];
  }
  const theirs = channelOf.get(topOf(name, groupOf) ?? "");
  if (channel === undefined || theirs === undefined || channel === theirs) return [];
  return [document.problem(path, `its group "${group}" drains channel "${theirs}"`, "leave the key out")];
}

/** The group of groups that it stands in; undefined when that is a circle. */
function topOf(name: string, groupOf: ReadonlyMap<string, string>): string | undefined {
  const seen = new Set<string>();
  let at = name;
  for (let group = groupOf.get(at); group !== undefined; group = groupOf.get(at)) {
    if (seen.has(at)) return undefined;
    seen.add(at);
    at = group;
  }
  return at;
}

function configOf(links: Links, name: string, channel: string): SinkConfig | undefined {
  const maker = links.makers.get(name);
  if (maker === undefined) return undefined;
  const members = new Map<string, SinkConfig>();
  for (const member of links.membersOf.get(name) ?? []) {
    const config = configOf(links, member.name, channel);
    // A member with mistakes has its problem; the config is refused.
    if (config !== undefined) members.set(member.name, config);
  }
  const layout = maker.layout ?? [...members.values()].find((each) => each.layout !== undefined)?.layout;
  const needsIdentity = maker.needsIdentity || [...members.values()].some((each) => each.needsIdentity);
  return { ...maker, layout, needsIdentity, channel, members };
}
