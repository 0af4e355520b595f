// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the configs under test hold ${…} of their own.
import { expect, test } from "bun:test";
import { changed, problems } from "../testing/fakes/config.ts";

/** Each rule: what is changed in the good config, and the whole sentence that must come of it. */
const rules: readonly (readonly [rule: string, from: string, to: string, expected: string])[] = [
  [
    "agent is given",
    "agent: gw-0042\n",
    "",
    "tailgate.yaml:1:1: agent: is missing (Name of the agent: part of every record's identity, unique in the fleet.)",
  ],
  [
    "agent name is legal",
    "gw-0042",
    "gw/42",
    "tailgate.yaml:1:8: agent: a name has 1 to 100 of the characters A-Z a-z 0-9 _ -",
  ],
  [
    "dataDir is given",
    "dataDir: /var/lib/tailgate\n",
    "",
    "tailgate.yaml:1:1: dataDir: is missing (Folder for the channel file, its reserve and its lock. One agent, one folder.)",
  ],
  [
    "unknown key of the agent",
    "dataDir:",
    "data_dir: /x\ndataDir:",
    'tailgate.yaml:2:1: data_dir: unknown key "data_dir" (did you mean "dataDir"?)',
  ],
  [
    "unknown key of a component",
    "topic: driving",
    "topik: x\n    topic: driving",
    'tailgate.yaml:18:5: sinks.kafka.topik: unknown key "topik" (did you mean "topic"?)',
  ],
  [
    "unknown key near one of the engine's",
    "channels: [main]",
    "channels: [main]\n    interceptor: []",
    'tailgate.yaml:11:5: sources.driving.interceptor: unknown key "interceptor" (did you mean "interceptors"?)',
  ],
  [
    "missing key of a component",
    "    topic: driving\n",
    "",
    "tailgate.yaml:14:3: sinks.kafka.topic: is missing (The topic.)",
  ],
  ["type is given", "type: tail", "start: end", "tailgate.yaml:4:3: sources.driving.type: is missing (one of tail)"],
  [
    "source type is known",
    "type: tail",
    "type: tial",
    'tailgate.yaml:5:11: sources.driving.type: no source is of type "tial" (did you mean "tail"?)',
  ],
  [
    "interceptor type is known",
    "type: regex_filter",
    "type: regex-filter",
    'tailgate.yaml:8:17: sources.driving.interceptors[0].type: no interceptor is of type "regex-filter" (did you mean "regex_filter"?)',
  ],
  [
    "channel type is known",
    "type: sqlite",
    "type: file",
    'tailgate.yaml:12:17: channels.main.type: no channel is of type "file" (channel types: sqlite, memory)',
  ],
  [
    "sink type is known",
    "type: kafka",
    "type: kafak",
    'tailgate.yaml:15:11: sinks.kafka.type: no sink is of type "kafak" (did you mean "kafka"?)',
  ],
  [
    "selector type is known",
    "channels: [main]",
    "selector: { type: multiplex }\n    channels: [main]",
    'tailgate.yaml:10:23: sources.driving.selector.type: no selector is of type "multiplex" (did you mean "multiplexing"?)',
  ],
  [
    "component names are legal",
    "  driving:",
    "  driving log:",
    'tailgate.yaml:4:3: sources.driving log: "driving log" is not a legal name (a name has 1 to 100 of the characters A-Z a-z 0-9 _ -)',
  ],
  [
    "a component is a map",
    "main: { type: sqlite, capacity: 1GiB }",
    "main: sqlite",
    "tailgate.yaml:12:9: channels.main: not a map of keys and values (write at least `type: …`)",
  ],
  [
    "keys are unique",
    "    topic: driving",
    "    topic: driving\n    topic: other",
    'tailgate.yaml:19:5: the key "topic" is there twice',
  ],
  [
    "names are unique",
    "channels:\n  main:",
    "channels:\n  main: { type: sqlite }\n  main:",
    'tailgate.yaml:13:3: the key "main" is there twice',
  ],
  [
    "a source's channels exist",
    "channels: [main]",
    "channels: [main, mian]",
    'tailgate.yaml:10:22: sources.driving.channels[1]: there is no channel "mian" (did you mean "main"?)',
  ],
  [
    "a source's channel may be a text, and exists",
    "channels: [main]",
    "channels: mani",
    'tailgate.yaml:10:15: sources.driving.channels: there is no channel "mani" (did you mean "main"?)',
  ],
  [
    "a source names a channel once",
    "channels: [main]",
    "channels: [main, main]",
    'tailgate.yaml:10:22: sources.driving.channels[1]: channel "main" is named twice',
  ],
  [
    "a source has channels",
    "    channels: [main]\n",
    "",
    "tailgate.yaml:4:3: sources.driving.channels: is missing (the channel, or the list of channels, that it feeds)",
  ],
  [
    "a source has at least one channel",
    "channels: [main]",
    "channels: []",
    "tailgate.yaml:10:15: sources.driving.channels: names no channel",
  ],
  [
    "a sink's channel exists",
    "channel: main",
    "channel: mian",
    'tailgate.yaml:16:14: sinks.kafka.channel: there is no channel "mian" (did you mean "main"?)',
  ],
  [
    "a sink has a channel",
    "    channel: main\n",
    "",
    "tailgate.yaml:14:3: sinks.kafka.channel: is missing (the channel that it drains)",
  ],
  [
    "every channel has a source",
    "channels:\n",
    "channels:\n  spare: { type: sqlite }\n",
    "tailgate.yaml:12:3: channels.spare: no source feeds this channel (name it in a source's `channels`)",
  ],
  [
    "every channel has a sink",
    "channels:\n",
    "channels:\n  spare: { type: sqlite }\n",
    "tailgate.yaml:12:3: channels.spare: no sink drains this channel (name it in a sink's `channel`)",
  ],
  [
    "a source of a memory channel feeds no sqlite one",
    "channels: [main]\nchannels:\n",
    "channels: [main, quick]\nchannels:\n  quick: { type: memory }\n",
    `tailgate.yaml:10:15: sources.driving.channels: feeds "main", which moves the source's position on commit, and "quick", which moves it when it has delivered (one source cannot do both: use two sources, or channels of one kind)`,
  ],
  [
    "sinks of a channel agree on the layout",
    "sinks:\n",
    "sinks:\n  other: { type: kafka, channel: main, brokers: [b], topic: driving, partition: key }\n",
    'tailgate.yaml:15:3: sinks.kafka: lays events of channel "main" out as topic driving by agent, sink "other" as topic driving by key/1 (sinks that share a channel must agree; or use two channels)',
  ],
  [
    "sinks of a channel agree on a topic that depends on the event",
    "sinks:\n",
    'sinks:\n  other: { type: kafka, channel: main, brokers: [b], topic: "%{kind}" }\n',
    'tailgate.yaml:15:3: sinks.kafka: lays events of channel "main" out as topic driving by agent, sink "other" as topic %{kind} by agent (sinks that share a channel must agree; or use two channels)',
  ],
  [
    "a selector names its source's channels",
    "channels: [main]\n",
    "selector: { type: multiplexing, header: kind, mapping: { alarm: [mian] }, default: main }\n    channels: [main]\n",
    'tailgate.yaml:10:70: sources.driving.selector.mapping.alarm[0]: "mian" is not a channel of this source (did you mean "main"?)',
  ],
  [
    "interceptor names are unique within the source",
    "- { type: regex_filter,",
    "- { type: regex_filter, name: a, include: x }\n      - { type: regex_filter, name: a,",
    'tailgate.yaml:9:37: sources.driving.interceptors[1].name: two interceptors of this source are called "a"',
  ],
  [
    "interceptors are a list",
    '    interceptors:\n      - { type: regex_filter, include: speed }\n      - { type: regex_extractor, key: \'"car":"([^"]+)"\' }\n',
    "    interceptors: { type: host }\n",
    "tailgate.yaml:7:19: sources.driving.interceptors: not a list of interceptors (write each as `- { type: … }`)",
  ],
  [
    "a wrong value of a list of words",
    "type: tail\n",
    "type: tail\n    start: begining\n",
    'tailgate.yaml:6:12: sources.driving.start: "begining" is not valid here (did you mean "beginning"?)',
  ],
  [
    "a duration with a wrong unit",
    "agent: gw-0042\n",
    "agent: gw-0042\nlinger: 1sec\n",
    'tailgate.yaml:2:9: linger: "1sec" is not a duration: write a number with ms, s, m, h or d, as in "500ms", "1s", "2h", "1h30m"',
  ],
  [
    "a size with an ambiguous unit",
    "capacity: 1GiB",
    "capacity: 1G",
    'tailgate.yaml:12:35: channels.main.capacity: "1G" is not a size: its unit can mean two things; write 1GB or 1GiB',
  ],
  [
    "a wrong type",
    "topic: driving",
    "topic: [driving]",
    "tailgate.yaml:18:12: sinks.kafka.topic: a list where a text belongs",
  ],
  [
    "a pattern that does not compile",
    "include: speed",
    'include: "("',
    "tailgate.yaml:8:40: sources.driving.interceptors[0].include: Invalid regular expression: missing )",
  ],
  [
    "a module that is not there",
    "type: regex_filter, include: speed",
    "type: module, path: /nonexistent/m.ts",
    "tailgate.yaml:8:31: sources.driving.interceptors[0].path: load /nonexistent/m.ts: ENOENT: no such file or directory, stat '/nonexistent/m.ts'",
  ],
  [
    "linger is shorter than a stop",
    "agent: gw-0042\n",
    "agent: gw-0042\nlinger: 30s\n",
    "tailgate.yaml:2:9: linger: 30s is longer than stopTimeout (20s)",
  ],
  [
    "a channel holds at least a batch",
    "capacity: 1GiB",
    "capacity: 100KiB",
    "tailgate.yaml:12:3: channels.main: holds 100 KiB, less than one batch (960 KiB)",
  ],
  [
    "a TTL is longer than linger",
    "capacity: 1GiB",
    "ttl: 500ms",
    "tailgate.yaml:12:3: channels.main: sheds what is older than 500ms, which is not more than linger (1s)",
  ],
  [
    "an address of the admin HTTP",
    "agent: gw-0042\n",
    "agent: gw-0042\nadmin: { address: localhost }\n",
    'tailgate.yaml:2:19: admin.address: "localhost" is not an address: write "host:port", as in "127.0.0.1:9464" or "[::1]:9464"',
  ],
  [
    "a log level",
    "agent: gw-0042\n",
    "agent: gw-0042\nlog: { level: warning }\n",
    'tailgate.yaml:2:15: log.level: "warning" is not valid here (did you mean "warn"?)',
  ],
  [
    "an environment variable that is not set",
    "topic: driving",
    "topic: ${TOPIK}",
    'tailgate.yaml:18:12: sinks.kafka.topic: the environment variable TOPIK is not set (did you mean "TOPIC"?)',
  ],
  [
    "a ${…} that names nothing",
    "topic: driving",
    'topic: "${a b}"',
    'tailgate.yaml:18:12: sinks.kafka.topic: "${a b}" names nothing (write ${NAME}, ${NAME:-default} or ${file:/path}; for a plain ${ write $${)',
  ],
  [
    "a ${file:…} that is not there",
    "topic: driving",
    "topic: ${file:/nonexistent/topic}",
    "tailgate.yaml:18:12: sinks.kafka.topic: read the secret from /nonexistent/topic: ENOENT: no such file or directory, open '/nonexistent/topic'",
  ],
  [
    "a secret's file that is not there",
    "topic: driving",
    "topic: driving\n    sasl: { user: gw, password: { file: /nonexistent/p } }",
    "tailgate.yaml:19:33: sinks.kafka.sasl.password: read the secret from /nonexistent/p: ENOENT: no such file or directory, open '/nonexistent/p'",
  ],
];

test.each(rules)("rule: %s", (_rule, from, to, expected) => {
  expect(problems(changed(from, to), { TOPIC: "x" })).toContain(expected);
});
