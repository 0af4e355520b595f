/** All mappings that the components bring along, and what Flume 1.11 has beside them. */
import { suggest } from "../../shared/config/nearest.ts";
import type { Registry } from "../config/agent-config.ts";
import type { AnyDefinition } from "../core/define.ts";
import type { FlumeMapping } from "../core/flume-mapping.ts";

/** Kinds of components that Flume has a type for. */
export type Kind = "source" | "channel" | "sink" | "group" | "interceptor" | "selector";

/** A mapping, and the component of ours that it leads to. */
export interface FoundMapping {
  readonly type: string;
  readonly mapping: FlumeMapping;
}

/** The mappings by kind. */
export type Mappings = Readonly<Record<Kind, readonly FoundMapping[]>>;

/** Loads what every component says about Flume's. */
export async function loadMappings(registry: Registry): Promise<Mappings> {
  const of = async (definitions: readonly AnyDefinition[]): Promise<readonly FoundMapping[]> => {
    const found = await Promise.all(
      definitions.map(async ({ type, flume }) => ((await flume?.()) ?? []).map((mapping) => ({ type, mapping }))),
    );
    return found.flat();
  };
  const sinks = await of(registry.sinks);
  return {
    source: await of(registry.sources),
    channel: await of(registry.channels),
    sink: sinks.filter(({ mapping }) => mapping.group !== true),
    group: sinks.filter(({ mapping }) => mapping.group === true),
    interceptor: await of(registry.interceptors),
    selector: await of(registry.selectors),
  };
}

/** The mapping of a Flume type; or why there is none. */
export function findMapping(
  mappings: Mappings,
  kind: Kind,
  type: string,
): FoundMapping | { readonly message: string; readonly hint: string | undefined } {
  const folded = type.toLowerCase().replace(/\$builder$/, "");
  const is = (name: string) => name.toLowerCase() === folded;
  const found = mappings[kind].find(({ mapping }) => mapping.names.some(is));
  if (found !== undefined) return found;
  const known = flumeTypes[kind].find(({ names }) => names.some(is));
  if (known !== undefined) {
    return {
      message: `the ${kind} "${type}" is not carried${known.instead === undefined ? " yet" : ""}`,
      hint: known.instead,
    };
  }
  if (type.includes(".")) {
    const plugin = plugins.find(({ name }) => name.toLowerCase() === folded);
    const hint = plugin?.instead ?? portingHints[kind];
    return { message: `the class ${type} is not Flume's own, and no Java runs here`, hint };
  }
  const names = [
    ...mappings[kind].flatMap(({ mapping }) => mapping.names),
    ...flumeTypes[kind].flatMap((each) => each.names),
  ];
  return {
    message: `Flume has no ${kind} of type "${type}"`,
    hint: suggest(
      type,
      names.filter((name) => !name.includes(".")),
    ),
  };
}

const portingHints: Readonly<Record<Kind, string | undefined>> = {
  source: "send what it reads to a source that listens",
  channel: "take `file` or `memory`",
  sink: "take a sink of Flume's own",
  group: "take `failover` or `load_balance`",
  interceptor:
    "write it anew as a module, a function of some lines: `tailgate init interceptor` prints one with Flume's words beside ours",
  selector: "set a header in an interceptor, and take `multiplexing`",
};

/** Plugins that many have, with what to take instead. */
const plugins = [
  {
    name: "org.keedio.flume.source.SQLSource",
    instead: "take `database`: it reads the rows of a table by a column that grows, and writes JSON instead of CSV",
  },
] as const;

/** Flume's own types that nothing here stands in for, with what to take instead. */
export function uncarried(mappings: Mappings, kind: Kind): readonly string[] {
  const carried = new Set(mappings[kind].flatMap(({ mapping }) => mapping.names.map((name) => name.toLowerCase())));
  return flumeTypes[kind]
    .filter(({ names }) => !names.some((name) => carried.has(name.toLowerCase())))
    .map(
      ({ names, instead }) =>
        `${names.map((name) => `\`${name}\``).join(", ")}${instead === undefined ? "" : `: ${instead}`}`,
    );
}

/** A type that Flume 1.11 has. */
interface FlumeType {
  readonly names: readonly string[];
  /** What to take instead, where it will not be carried. */
  readonly instead?: string;
}

const of = (...names: string[]): FlumeType => ({ names });

/** Flume's own types, so that one that has no mapping is told from a word that nobody knows. */
const flumeTypes: Readonly<Record<Kind, readonly FlumeType[]>> = {
  source: [
    of("seq", "org.apache.flume.source.SequenceGeneratorSource"),
    of("netcat", "org.apache.flume.source.NetcatSource"),
    of("netcatudp", "org.apache.flume.source.NetcatUdpSource"),
    of("exec", "org.apache.flume.source.ExecSource"),
    of("avro", "org.apache.flume.source.AvroSource"),
    of("syslogtcp", "org.apache.flume.source.SyslogTcpSource"),
    of("multiport_syslogtcp", "org.apache.flume.source.MultiportSyslogTCPSource"),
    of("syslogudp", "org.apache.flume.source.SyslogUDPSource"),
    of("spooldir", "org.apache.flume.source.SpoolDirectorySource"),
    of("http", "org.apache.flume.source.http.HTTPSource"),
    of("jms", "org.apache.flume.source.jms.JMSSource"),
    of("taildir", "org.apache.flume.source.taildir.TaildirSource"),
    of("org.apache.flume.source.kafka.KafkaSource"),
    of("org.apache.flume.source.StressSource"),
    {
      names: ["org.apache.flume.source.scribe.ScribeSource"],
      instead: "Scribe is not maintained any more: send with Thrift or HTTP",
    },
    {
      names: ["org.apache.flume.source.twitter.TwitterSource"],
      instead: "Twitter does not offer its interface any more",
    },
    {
      names: [
        "org.apache.flume.source.avroLegacy.AvroLegacySource",
        "org.apache.flume.source.thriftLegacy.ThriftLegacySource",
      ],
      instead: "it took events of Flume before 1.0: bring those agents to Avro first",
    },
  ],
  channel: [
    of("memory", "org.apache.flume.channel.MemoryChannel"),
    of("file", "org.apache.flume.channel.file.FileChannel"),
    of("jdbc", "org.apache.flume.channel.jdbc.JdbcChannel"),
    of("spillablememory", "org.apache.flume.channel.SpillableMemoryChannel"),
    of("org.apache.flume.channel.kafka.KafkaChannel"),
    { names: ["org.apache.flume.channel.PseudoTxnMemoryChannel"], instead: "take `memory`" },
  ],
  sink: [
    of("null", "org.apache.flume.sink.NullSink"),
    of("logger", "org.apache.flume.sink.LoggerSink"),
    of("file_roll", "org.apache.flume.sink.RollingFileSink"),
    of("hdfs", "org.apache.flume.sink.hdfs.HDFSEventSink"),
    of("avro", "org.apache.flume.sink.AvroSink"),
    of("elasticsearch", "org.apache.flume.sink.elasticsearch.ElasticSearchSink"),
    of("hbase", "hbase2", "org.apache.flume.sink.hbase.HBaseSink", "org.apache.flume.sink.hbase2.HBase2Sink"),
    of("asynchbase", "org.apache.flume.sink.hbase.AsyncHBaseSink"),
    of("hive", "org.apache.flume.sink.hive.HiveSink"),
    of("http", "org.apache.flume.sink.http.HttpSink"),
    of("org.apache.flume.sink.kafka.KafkaSink"),
    { names: ["irc", "org.apache.flume.sink.irc.IRCSink"], instead: "no sink of ours speaks IRC" },
    {
      names: ["morphline_solr", "org.apache.flume.sink.solr.morphline.MorphlineSolrSink"],
      instead: "morphlines are Java: send to Kafka, and let Solr's own tools read from there",
    },
    { names: ["org.apache.flume.sink.kite.DatasetSink"], instead: "Kite is not maintained any more: take `hdfs`" },
  ],
  group: [
    of("failover", "org.apache.flume.sink.FailoverSinkProcessor"),
    of("load_balance", "org.apache.flume.sink.LoadBalancingSinkProcessor"),
  ],
  interceptor: [
    of("timestamp", "org.apache.flume.interceptor.TimestampInterceptor"),
    of("host", "org.apache.flume.interceptor.HostInterceptor"),
    of("static", "org.apache.flume.interceptor.StaticInterceptor"),
    of("regex_filter", "org.apache.flume.interceptor.RegexFilteringInterceptor"),
    of("regex_extractor", "org.apache.flume.interceptor.RegexExtractorInterceptor"),
    of("remove_header", "org.apache.flume.interceptor.RemoveHeaderInterceptor"),
    of("search_replace", "org.apache.flume.interceptor.SearchAndReplaceInterceptor"),
    of("org.apache.flume.sink.solr.morphline.UUIDInterceptor"),
    {
      names: ["org.apache.flume.sink.solr.morphline.MorphlineInterceptor"],
      instead: "morphlines are Java: regex_extractor, search_replace or a module of your own do most of what they do",
    },
  ],
  selector: [
    of("replicating", "org.apache.flume.channel.ReplicatingChannelSelector"),
    of("multiplexing", "org.apache.flume.channel.MultiplexingChannelSelector"),
    of("load_balancing", "org.apache.flume.channel.LoadBalancingChannelSelector"),
  ],
};
