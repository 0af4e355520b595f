/** Rules that no component can check alone: who names whom, and how the bounds relate. Each rule is a function. */
import { formatByteSize } from "../../shared/config/byte-size.ts";
import { formatDuration } from "../../shared/config/duration.ts";
import { isLocal } from "../../shared/config/listen-address.ts";
import { suggest } from "../../shared/config/nearest.ts";
import { laysOutWhole } from "../core/layout.ts";
import type { ConfigDocument } from "./document.ts";
import type { Problem } from "./problem.ts";
import type { Components } from "./read-components.ts";
import type { AgentSection } from "./schema.ts";

/** What the rules look at. `agent` is undefined when the agent's own part has mistakes. */
export interface Whole {
  readonly document: ConfigDocument;
  readonly agent: AgentSection | undefined;
  readonly components: Components;
}

/** Everything that is wrong between the components. */
export function crossRules(whole: Whole): readonly Problem[] {
  return rules.flatMap((rule) => rule(whole));
}

type Rule = (whole: Whole) => readonly Problem[];

const rules: readonly Rule[] = [
  partsAreNotEmpty,
  sourceChannelsExist,
  sinkChannelsExist,
  channelsAreFedAndDrained,
  sharedChannelsKeepTheForm,
  channelsMoveThePositionTogether,
  sinksAgreeOnLayout,
  sinksHaveTheIdentityTheyNeed,
  carriedBatchesStayWhole,
  boundsRelate,
  heartbeatSinkExists,
  testsNameWhatIsThere,
  tapStaysHere,
];

function partsAreNotEmpty({ document, components }: Whole): readonly Problem[] {
  const parts = { sources: components.sources, channels: components.channels, sinks: components.sinks };
  // What others feed needs no source of ours, what others drain no sink.
  const isShared = [...components.channels.values()].some((channel) => channel?.isShared === true);
  return Object.entries(parts).flatMap(([part, found]) =>
    found.size > 0 || (isShared && part !== "channels") || !isEmptyMap(document, part)
      ? []
      : [document.problem([part], "names none; one is needed")],
  );
}

function isEmptyMap(document: ConfigDocument, part: string): boolean {
  const { root } = document;
  const value: unknown = typeof root === "object" && root !== null ? Reflect.get(root, part) : undefined;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function sourceChannelsExist({ document, components }: Whole): readonly Problem[] {
  const known = [...components.channels.keys()];
  const problems: Problem[] = [];
  for (const [source, names] of components.channelsOf) {
    for (const [index, name] of names.entries()) {
      const path = place(document, ["sources", source, "channels"], index);
      if (!components.channels.has(name)) {
        problems.push(document.problem(path, `there is no channel "${name}"`, suggest(name, known, "channels")));
      } else if (names.indexOf(name) < index) {
        problems.push(document.problem(path, `channel "${name}" is named twice`));
      }
    }
  }
  return problems;
}

/** `channels: main` and `channels: [main]` are both allowed: the place is the text, or the entry of the list. */
function place(document: ConfigDocument, path: readonly string[], index: number): readonly PropertyKey[] {
  const value = path.reduce<unknown>(
    (at, name) => (typeof at === "object" && at !== null ? Reflect.get(at, name) : undefined),
    document.root,
  );
  return Array.isArray(value) ? [...path, index] : path;
}

function sinkChannelsExist({ document, components }: Whole): readonly Problem[] {
  const known = [...components.channels.keys()];
  return [...components.channelOf]
    .filter(([, channel]) => !components.channels.has(channel))
    .map(([sink, channel]) =>
      document.problem(
        ["sinks", sink, "channel"],
        `there is no channel "${channel}"`,
        suggest(channel, known, "channels"),
      ),
    );
}

function channelsAreFedAndDrained({ document, components }: Whole): readonly Problem[] {
  const fed = new Set([...components.channelsOf.values()].flat());
  const members = new Set([...components.membersOf.values()].flat());
  const drained = new Set([...components.channelOf].flatMap(([sink, channel]) => (members.has(sink) ? [] : [channel])));
  return [...components.channels.keys()].flatMap((name) => {
    const problem = (what: string, hint: string) => document.problem(["channels", name], what, hint, "key");
    if (components.channels.get(name)?.isShared === true) {
      if (fed.has(name) || drained.has(name)) return [];
      return [problem("no source feeds this channel, and no sink drains it", "name it in a source or in a sink")];
    }
    // One that is only drained is how what it holds gets out after its source is gone: a warning (warnings.ts).
    if (drained.has(name)) return [];
    return [
      ...(fed.has(name) ? [] : [problem("no source feeds this channel", `name it in a source's \`channels\``)]),
      problem("no sink drains this channel", `name it in a sink's \`channel\``),
    ];
  });
}

/** What others put into such a channel does not pass the sink's layout. */
function sharedChannelsKeepTheForm({ document, components }: Whole): readonly Problem[] {
  return [...components.sinks].flatMap(([sink, config]) => {
    if (config?.layout?.form === undefined || components.channels.get(config.channel)?.isShared !== true) return [];
    const message = `writes events in another form, and channel "${config.channel}" is shared with others who do not know of it`;
    return [document.problem(["sinks", sink], message, "drain a channel of this agent's own with it", "key")];
  });
}

/** A position moves once: with the commit, or when the channel says so. */
function channelsMoveThePositionTogether({ document, components }: Whole): readonly Problem[] {
  return [...components.channelsOf].flatMap(([source, names]) => {
    const found = names.flatMap((name) => {
      const keeping = components.channels.get(name)?.keeping;
      return keeping === undefined ? [] : [{ name, keeping }];
    });
    const inStore = found.find(({ keeping }) => keeping === "store");
    const other = found.find(({ keeping }) => keeping !== "store");
    if (inStore === undefined || other === undefined) return [];
    const when = other.keeping === "memory" ? "when it has delivered" : "when it has stored them itself";
    const message = `feeds "${inStore.name}", which moves the source's position on commit, and "${other.name}", which moves it ${when}`;
    const hint = "one source cannot do both: use two sources, or channels of one kind";
    return [document.problem(["sources", source, "channels"], message, hint)];
  });
}

function sinksAgreeOnLayout({ document, components }: Whole): readonly Problem[] {
  const problems: Problem[] = [];
  const first = new Map<string, { readonly sink: string; readonly text: string }>();
  for (const [sink, config] of components.sinks) {
    if (config?.layout === undefined) continue;
    const { text } = config.layout;
    const before = first.get(config.channel);
    if (before === undefined) first.set(config.channel, { sink, text });
    else if (before.text !== text) {
      const message = `lays events of channel "${config.channel}" out as ${text}, sink "${before.sink}" as ${before.text}`;
      problems.push(
        document.problem(["sinks", sink], message, "sinks that share a channel must agree; or use two channels", "key"),
      );
    }
  }
  return problems;
}

function heartbeatSinkExists({ document, agent, components }: Whole): readonly Problem[] {
  const name = agent?.heartbeat?.sink;
  const known = [...components.sinks.keys()];
  if (name === undefined || known.includes(name)) return [];
  return [document.problem(["heartbeat", "sink"], `there is no sink "${name}"`, suggest(name, known, "sinks"))];
}

/** Without identity such a destination would refuse whatever it is sent. */
function sinksHaveTheIdentityTheyNeed({ document, components }: Whole): readonly Problem[] {
  return [...components.sinks].flatMap(([sink, config]) => {
    if (config?.needsIdentity !== true) return [];
    if (components.channels.get(config.channel)?.settings.identity !== false) return [];
    const message = `knows each record by its identity, and channel "${config.channel}" has \`identity: false\``;
    return [document.problem(["sinks", sink], message, "leave `identity` out of the channel", "key")];
  });
}

/** Such batches go on as they came: nothing that must see their events, or sheds them one by one, can stand in their way. */
function carriedBatchesStayWhole({ document, components }: Whole): readonly Problem[] {
  return [...components.sources].flatMap(([source, config]) => {
    if (config?.make.carries !== true) return [];
    const hint = "`take: events` opens them; or use another channel, or a source without it";
    const problem = (part: string, why: string) =>
      document.problem(["sources", source, part], `takes batches as they came, and ${why}`, hint, "key");
    const found: Problem[] = [];
    if (config.interceptors.length > 0) found.push(problem("interceptors", "an interceptor sees single events"));
    if (config.selectorType !== "replicating") found.push(problem("selector", "a selector looks at single events"));
    for (const name of config.channels) {
      const why = whyNotWhole(name, components);
      if (why !== undefined) found.push(problem("channels", why));
    }
    return found;
  });
}

function whyNotWhole(name: string, { channels, sinks }: Components): string | undefined {
  const channel = channels.get(name);
  if (channel === undefined) return undefined;
  if (channel.isShared) return `channel "${name}" stores each event as a record of its own`;
  const { full } = channel.config;
  if (full !== undefined && full !== "block") return `channel "${name}" sheds what others count on (\`full: ${full}\`)`;
  if (channel.ttlMs !== undefined) return `channel "${name}" sheds what others count on (\`ttl\`)`;
  for (const [sink, config] of sinks) {
    if (config?.channel !== name || config.layout === undefined) continue;
    if (laysOutWhole(config.layout)) continue;
    if (config.layout.form !== undefined) return `sink "${sink}" writes events in another form`;
    return `sink "${sink}" looks at each event for where it goes (${config.layout.text}); of a batch only %{agent} and %{stream} are known`;
  }
  return undefined;
}

function boundsRelate({ document, agent, components }: Whole): readonly Problem[] {
  const problems: Problem[] = [];
  if (agent !== undefined && agent.linger > agent.stopTimeout) {
    const message = `${formatDuration(agent.linger)} is longer than stopTimeout (${formatDuration(agent.stopTimeout)})`;
    problems.push(document.problem(["linger"], message));
  }
  for (const [name, channel] of components.channels) {
    if (channel === undefined) continue;
    if (channel.bytesMax < channel.settings.batchBytesMax) {
      const message = `holds ${formatByteSize(channel.bytesMax)}, less than one batch (${formatByteSize(channel.settings.batchBytesMax)})`;
      problems.push(document.problem(["channels", name], message, undefined, "key"));
    }
    if (agent !== undefined && channel.ttlMs !== undefined && channel.ttlMs <= agent.linger) {
      const message = `sheds what is older than ${formatDuration(channel.ttlMs)}, which is not more than linger (${formatDuration(agent.linger)})`;
      problems.push(document.problem(["channels", name], message, undefined, "key"));
    }
  }
  return problems;
}

/** A test names a source, its interceptors and its channels; each is there. */
function testsNameWhatIsThere({ document, agent, components }: Whole): readonly Problem[] {
  const problems: Problem[] = [];
  const sources = [...components.sources.keys()];
  for (const [index, { source, events }] of (agent?.tests ?? []).entries()) {
    if (!sources.includes(source)) {
      const hint = suggest(source, sources, "sources");
      problems.push(document.problem(["tests", index, "source"], `there is no source "${source}"`, hint));
    }
    const config = components.sources.get(source);
    if (config === undefined) continue;
    const links = config.interceptors.map(({ name }) => name);
    for (const [number, { expect }] of events.entries()) {
      const path = ["tests", index, "events", number, "expect"];
      const { filtered, channels = [] } = expect ?? {};
      if (filtered !== undefined && !links.includes(filtered)) {
        const message = `source "${source}" has no interceptor "${filtered}"`;
        problems.push(document.problem([...path, "filtered"], message, suggest(filtered, links, "interceptors")));
      }
      for (const channel of channels) {
        if (config.channels.includes(channel)) continue;
        const message = `"${channel}" is not a channel of source "${source}"`;
        problems.push(
          document.problem([...path, "channels"], message, suggest(channel, config.channels, "its channels")),
        );
      }
    }
  }
  return problems;
}

/** What a tap shows is what the log says, and the admin HTTP asks for no password. */
function tapStaysHere({ document, agent }: Whole): readonly Problem[] {
  if (agent?.admin?.tap !== true || isLocal(agent.admin.address)) return [];
  const message = "would show what events say to everybody who reaches this machine";
  return [document.problem(["admin", "tap"], message, "listen on loopback or on a Unix socket, or leave it out")];
}
