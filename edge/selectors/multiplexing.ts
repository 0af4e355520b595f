import { z } from "zod";
import { channelName } from "../../shared/config/channel-name.ts";
import type { SelectorContext } from "../core/define.ts";
import { defineSelector } from "../core/define.ts";
import type { EventView } from "../core/event-view.ts";
import {
  asText,
  asWords,
  type FlumeDraft,
  type FlumeReader,
  type FlumeValue,
  legalFlumeName,
} from "../core/flume-mapping.ts";
import type { Selector } from "../core/selector.ts";

const Channels = z.union([channelName(), z.array(channelName())], {
  error: "write the name of a channel, or a list of names",
});

const configSchema = () =>
  z.strictObject({
    header: z.string().min(1).meta({ description: "The header whose value decides." }),
    mapping: z.record(z.string(), Channels).meta({ description: "Value of the header → channel, or channels." }),
    default: Channels.default([]).meta({
      description: "Where everything else goes. Nowhere when it is not given: those events are counted as unselected.",
    }),
  });
type Config = z.output<ReturnType<typeof configSchema>>;

/** Flume's org.apache.flume.channel.MultiplexingChannelSelector. */
export default defineSelector({
  type: "multiplexing",
  summary: "The value of a header decides to which of its source's channels an event goes.",
  stability: "stable",
  config: configSchema,
  example: { header: "kind", mapping: { alarm: "urgent" }, default: "main" },
  flume: () => [
    {
      names: ["multiplexing", "org.apache.flume.channel.MultiplexingChannelSelector"],
      keys: {
        header: { to: "header", as: asText },
        "mapping.*": { by: "`mapping`" },
        default: { to: "default", as: channelsOf },
        "optional.*": {
          by: "`mapping`, and `full: drop_newest` of these channels, where what finds no room is counted",
        },
      },
      start: { header: "flume.selector.header" },
      finish: (draft) => {
        const mapping: Record<string, unknown> = {};
        for (const [value, channels] of draft.below("mapping.")) mapping[value] = names(channels);
        addOptional(draft, mapping);
        draft.set("mapping", mapping);
      },
    },
  ],
  create: (config, context) => new MultiplexingSelector(config, context),
});

/** Channels of a flume.conf, by their names here. */
const channelsOf: FlumeReader = (value) => ({ ok: true, value: names(value) });

function names(value: FlumeValue): readonly string[] {
  const words = asWords(value);
  return words.ok && Array.isArray(words.value) ? words.value.map((word) => legalFlumeName(String(word))) : [];
}

/** A value's optional channels come after those that it needs. Whether a channel may drop is said of the channel. */
function addOptional(draft: FlumeDraft, mapping: Record<string, unknown>): void {
  const fallback = draft.value("default");
  const otherwise = fallback === undefined ? [] : names(fallback);
  const needed = new Set([...otherwise, ...Object.values(mapping).flat()]);
  for (const [value, listed] of draft.below("optional.")) {
    const optional = names(listed);
    const both = optional.find((name) => needed.has(name));
    if (both !== undefined) {
      const message = `the channel "${both}" is optional here and needed elsewhere`;
      draft.refuse(
        `optional.${value}`,
        message,
        "here a channel either drops what it has no room for, or is waited for",
      );
      continue;
    }
    mapping[value] = [...[mapping[value] ?? otherwise].flat(), ...optional];
  }
}

class MultiplexingSelector implements Selector {
  private readonly header: string;
  private readonly byValue: ReadonlyMap<string, readonly number[]>;
  private readonly otherwise: readonly number[];

  constructor(config: Config, { channels }: SelectorContext) {
    // Each index once, and only those that exist (the config's check has refused the others).
    const indexes = (names: string | readonly string[]) =>
      [...new Set([names].flat().map((name) => channels.indexOf(name)))].filter((index) => index >= 0);
    this.header = config.header;
    this.byValue = new Map(Object.entries(config.mapping).map(([value, names]) => [value, indexes(names)]));
    this.otherwise = indexes(config.default);
  }

  select(view: EventView): readonly number[] {
    const value = view.header(this.header);
    return (value === undefined ? undefined : this.byValue.get(value)) ?? this.otherwise;
  }
}
