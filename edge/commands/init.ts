import { stringify } from "yaml";
import { suggest } from "../../shared/config/nearest.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import type { AnyDefinition } from "../core/define.ts";
import type { Command } from "./command.ts";

/** `tailgate init tail/kafka`. */
export const init: Command = {
  name: "init",
  summary: "Prints a config to start from, made of the components' own examples",
  positionals: ["<source>/<sink>"],
  options: { channel: { summary: "Type of the channel between them (default: sqlite)", value: "type" } },
  details: "tailgate init tail/kafka > tailgate.yaml\ntailgate list shows the sources and sinks there are.",
  run(given, { registry, out }) {
    const [sourceType = "", sinkType = "", ...more] = (given.positionals[0] ?? "").split("/");
    if (sinkType === "" || more.length > 0) {
      throw new AppError("USAGE", `tailgate init: "${given.positionals[0]}" is not <source>/<sink>`, {
        hint: "Write it like tail/kafka.",
      });
    }
    const source = find("source", registry.sources, sourceType);
    const channel = find("channel", registry.channels, given.value("channel") ?? "sqlite");
    const sink = find("sink", registry.sinks, sinkType);
    const { agent, dataDir, address } = placeOf(sourceType);
    const name = sourceType === sinkType ? `${sinkType}_out` : sinkType;
    out(
      [
        "# tailgate check tells what is wrong with this file; tailgate run runs it.",
        stringify({ agent, dataDir, linger: "1s" }).trimEnd(),
        `sources:\n  ${part(sourceType, source, { channels: ["main"] })}`,
        `channels:\n  ${part("main", channel, {})}`,
        `sinks:\n  ${part(name, sink, { channel: "main" })}`,
        stringify({ admin: { address } }).trimEnd(),
        "",
      ].join("\n"),
    );
    return 0;
  },
};

/** What stands between vehicles and the centre often runs beside one of both on the first day: its name, folder and port are its own. */
function placeOf(sourceType: string) {
  return sourceType === "relay"
    ? { agent: "aggregator-01", dataDir: "/var/lib/tailgate-aggregator", address: "127.0.0.1:9465" }
    : { agent: "gw-0001", dataDir: "/var/lib/tailgate", address: "127.0.0.1:9464" };
}

function part(name: string, { type, summary, example }: AnyDefinition, more: object): string {
  const own = typeof example === "object" && example !== null ? example : {};
  const body = stringify({ [name]: { type, ...own, ...more } }).trimEnd();
  return [`# ${summary}`, ...body.split("\n")].join("\n  ");
}

function find<D extends AnyDefinition>(kind: string, definitions: readonly D[], type: string): D {
  const found = definitions.find((each) => each.type === type);
  if (found !== undefined) return found;
  const types = definitions.map((each) => each.type);
  throw new AppError("USAGE", `tailgate init: no ${kind} is of type "${type}"`, {
    hint: suggest(type, types, `${kind}s`) ?? "",
  });
}
