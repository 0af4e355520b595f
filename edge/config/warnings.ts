import { isLocal } from "../../shared/config/listen-address.ts";
import { markedFields } from "../../shared/config/marked-fields.ts";
import type { ConfigDocument } from "./document.ts";
import type { Problem } from "./problem.ts";
import type { Components } from "./read-components.ts";
import { AgentSection } from "./schema.ts";

/** What is allowed, and may not be what was wanted. */
export function warningsOf(document: ConfigDocument, agent: AgentSection, components: Components): readonly Problem[] {
  const warnings: Problem[] = [];
  const warn = (path: readonly PropertyKey[], message: string, hint?: string) =>
    warnings.push(document.problem(path, message, hint));
  const fed = new Set([...components.channelsOf.values()].flat());
  for (const [name, channel] of components.channels) {
    if (channel?.isShared === false && !fed.has(name)) {
      warn(["channels", name], "no source feeds this channel: what it holds is delivered, and nothing comes");
    }
    if (channel?.keeping === "memory") {
      warn(
        ["channels", name, "type"],
        channel.stored === undefined
          ? `a ${channel.type} channel forgets what it holds when the process ends`
          : `a ${channel.type} channel forgets what only memory holds when the process is killed`,
        "a source that reads files goes back to what was delivered: lines may be repeated, none are lost; what others sent to a source that listens (as relay, http, syslog) is lost with the channel, and its senders were told that it is taken",
      );
    }
    if (channel?.settings.identity === false) {
      warn(["channels", name, "identity"], "without identity the centre cannot tell repeats and gaps");
    }
  }
  if (agent.admin !== undefined && !isLocal(agent.admin.address)) {
    warn(
      ["admin", "address"],
      "the admin HTTP asks for no password and listens beyond this machine",
      "127.0.0.1 keeps it here",
    );
  }
  if (agent.admin?.tap === true && agent.admin.address.kind === "tcp") {
    warn(
      ["admin", "tap"],
      "every user of this machine may see what the events say",
      "the path of a Unix socket as `admin.address` keeps it to our user and root",
    );
  }
  for (const [place, definition] of components.definitions) {
    if (definition.stability !== "experimental") continue;
    warn(
      [...parsePath(place), "type"],
      `${definition.kind} "${definition.type}" is experimental: its config may change`,
    );
  }
  const sections = [...components.definitions].map(([place, { config }]) => ({ at: parsePath(place), schema: config }));
  for (const { at, schema } of [{ at: [], schema: AgentSection }, ...sections]) {
    for (const { path, value, mark } of markedFields(schema, valueAt(document.root, at), "format")) {
      if (mark !== "duration" || !isBareNumber(value)) continue;
      warn(
        [...at, ...path],
        `${value} has no unit: it is taken as ${value} milliseconds`,
        `write "${value}ms" or "${value}s"`,
      );
    }
  }
  for (const [source, config] of components.sources) {
    if (config === undefined) continue;
    const at = ["sources", source];
    const links = config.interceptors.map(({ make }, index) => ({ make, at: [...at, "interceptors", index] }));
    for (const { make, at: base } of [{ make: config.make, at }, ...links]) {
      for (const { path, reason } of slowPatterns(make.config, [])) {
        const message = `this pattern could stall the flow (${reason}); it runs on the safe engine, several times slower`;
        warn([...base, ...path], message, "see `tailgate pattern '…'`");
      }
    }
  }
  return warnings;
}

/** A zero is a zero in every unit. */
function isBareNumber(value: unknown): value is number | string {
  return (
    (typeof value === "number" || (typeof value === "string" && /^\s*[\d.]+\s*$/.test(value))) && Number(value) > 0
  );
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, name) => (typeof at === "object" && at !== null ? Reflect.get(at, name) : undefined),
    root,
  );
}

function parsePath(place: string): readonly PropertyKey[] {
  const path: unknown = JSON.parse(place);
  return Array.isArray(path) ? path.map((part: unknown) => (typeof part === "number" ? part : String(part))) : [];
}

interface SlowPattern {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

function slowPatterns(value: unknown, path: readonly PropertyKey[]): readonly SlowPattern[] {
  if (typeof value !== "object" || value === null) return [];
  if ("engine" in value && "reason" in value) {
    return value.engine === "re2" ? [{ path, reason: String(value.reason) }] : [];
  }
  return Object.entries(value).flatMap(([name, item]) => slowPatterns(item, [...path, name]));
}
