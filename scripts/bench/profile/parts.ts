import type { SelfTime } from "./cpu-profile.ts";

/** A part of the product, and what of a profile belongs to it. The first that matches counts. */
interface Part {
  readonly part: string;
  /** Native functions by name, whoever calls them. */
  readonly native?: RegExp;
  readonly file?: RegExp;
}

const parts: readonly Part[] = [
  {
    part: "compression and its opposite",
    native: /zstd|gzip|inflate|deflate|gunzip/i,
    file: /^node:zlib|\/shared\/(kafka\/record-batch\/)?compression/,
  },
  { part: "checksum", native: /crc/i, file: /\/record-batch\/crc32c\.ts/ },
  { part: "record encoding", file: /\/shared\/(kafka\/record-batch|identity)\/|\/edge\/engine\/open-batch\.ts/ },
  { part: "reading and splitting lines", file: /\/edge\/sources\/|\/shared\/lines\/|\/edge\/core\/line-/ },
  { part: "interceptors", file: /\/edge\/interceptors\/|\/edge\/core\/event-view\.ts|\/config\/pattern\/|\/re2js\// },
  { part: "intake, selector, committer", file: /\/edge\/(engine|core|selectors)\// },
  { part: "SQLite channel", file: /\/edge\/channels\// },
  { part: "Kafka sink: sessions, requests", file: /\/edge\/sinks\// },
  { part: "fetch and decode", file: /\/central\/consumer\// },
  { part: "SQLite store: chunks, ledger, last state", file: /\/central\/store\// },
  { part: "ingest", file: /\/central\/(ingest|records)\// },
  { part: "SQLite's driver", file: /\/better-sqlite3\// },
  { part: "sockets, kafkajs", file: /\/kafkajs\/|\/shared\/kafka\/|^(node|internal|bun):|\/node_modules\// },
  { part: "telemetry, timers", file: /\/shared\// },
];

const runtime = "runtime without a caller: timers, promises, garbage";

/** The part of the product that a function's own time belongs to. */
export function partOf({ name, file, native }: SelfTime): string {
  const found = parts.find((part) => (native && part.native?.test(name)) || part.file?.test(file));
  return found?.part ?? (file === "" ? runtime : "the rest");
}

/** A share of all samples. */
export interface Share {
  readonly what: string;
  readonly share: number;
}

/** Samples put together by what a function names, as shares of all, the largest first. */
export function sharesBy(times: readonly SelfTime[], what: (time: SelfTime) => string): readonly Share[] {
  const all = times.reduce((sum, { samples }) => sum + samples, 0);
  const counts = new Map<string, number>();
  for (const time of times) counts.set(what(time), (counts.get(what(time)) ?? 0) + time.samples);
  return [...counts].map(([name, samples]) => ({ what: name, share: samples / all })).sort((a, b) => b.share - a.share);
}
