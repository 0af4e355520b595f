import { type AgentFile, type Keys, type Say, words } from "./agent-file.ts";

/** The channels that a source feeds; undefined when Flume does not start it. */
export function channelsOf(agent: AgentFile, name: string, keys: Keys, say: Say): readonly string[] | undefined {
  const list = keys.get("channels");
  const singular = keys.get("channel");
  if (singular !== undefined) {
    const what = list === undefined ? "Flume does not start a source without `channels`" : "Flume ignores it";
    say.doubt(singular.keyAt, singular.fullKey, `is no key of a source; ${what}`, 'did you mean "channels"?');
  }
  const at = list ?? singular ?? keys.values().next().value;
  if (list === undefined) {
    if (singular === undefined && at !== undefined) {
      const message = "names no channels; Flume does not start it, and it is left out";
      say.doubt(at.keyAt, `${agent.name}.sources.${name}`, message, "give it `channels`");
    }
    return undefined;
  }
  const known = [...new Set(words(list.text))].filter((each) => {
    const listed = agent.listed.channels.includes(each) && agent.components.channels.has(each);
    if (!listed) say.doubt(list.valueAt, list.fullKey, `there is no channel "${each}"; Flume leaves it out`);
    return listed;
  });
  if (known.length > 0) return known;
  say.doubt(list.valueAt, list.fullKey, "none of its channels is there; Flume does not start it, and it is left out");
  return undefined;
}
