/** Numbers of one run, by column. */
export type Metrics = Partial<Record<ColumnName, number>>;

interface Column {
  readonly title: string;
  readonly digits: number;
}

/** Every number that the bench knows, with its unit in the title, and how many decimals are worth showing. */
export const columns = {
  cpuPerMillion: { title: "CPU s per M lines", digits: 2 },
  unsignedCpuPerMillion: { title: "without: CPU s per M lines", digits: 2 },
  signingPercent: { title: "signatures: % of CPU", digits: 1 },
  serverCpuPerMillion: { title: "of the server: CPU s per M", digits: 2 },
  linesPerSecond: { title: "lines/s", digits: 0 },
  rssPeakMb: { title: "peak RSS MB", digits: 0 },
  rssMb: { title: "RSS MB", digits: 0 },
  anonymousMb: { title: "of it anonymous MB", digits: 0 },
  diskPerMillionMb: { title: "disk MB per M lines", digits: 1 },
  diskPerStored: { title: "disk written per compressed byte", digits: 2 },
  diskPerLineByte: { title: "disk written per byte of lines", digits: 2 },
  diskKbPerSecond: { title: "disk kB/s", digits: 1 },
  writtenPerStored: { title: "given to write(2) per compressed byte", digits: 2 },
  writtenPerMillionMb: { title: "given to write(2), MB per M lines", digits: 0 },
  storedPerLine: { title: "B a line in the topic", digits: 1 },
  lost: { title: "lost", digits: 0 },
  repeated: { title: "repeated", digits: 0 },
  altered: { title: "altered", digits: 0 },
  disordered: { title: "out of order", digits: 0 },
  lagP99Ms: { title: "loop lag p99 ms", digits: 1 },
  cpuPercent: { title: "CPU % of a core", digits: 2 },
  p50Ms: { title: "p50 ms", digits: 1 },
  p99Ms: { title: "p99 ms", digits: 1 },
  maxMs: { title: "max ms", digits: 0 },
  wirePerLine: { title: "B sent a line", digits: 1 },
  wireBackPerLine: { title: "B received a line", digits: 1 },
  wirePerSecond: { title: "B sent/s", digits: 0 },
  requestsPerSecond: { title: "produce requests/s", digits: 2 },
  recordCpuPerMillion: { title: "recording CPU s per M lines", digits: 2 },
  recordDiskPerStored: { title: "recording: disk per compressed byte", digits: 2 },
  drainLinesPerSecond: { title: "drain lines/s", digits: 0 },
  drainMbPerSecond: { title: "drain stored MB/s", digits: 1 },
  drainCpuPerMillion: { title: "drain CPU s per M lines", digits: 2 },
  drainDiskPerStored: { title: "draining: disk per compressed byte", digits: 2 },
  firstBatchMs: { title: "start → first batch sent, ms", digits: 0 },
  rssAtStartMb: { title: "RSS at the first batch MB", digits: 0 },
  kills: { title: "kills", digits: 0 },
  atSecond: { title: "at s", digits: 0 },
  millions: { title: "M lines so far", digits: 2 },
  eventsPerSecond: { title: "events/s", digits: 0 },
  firstRowMs: { title: "first row stored after ms", digits: 0 },
  requests: { title: "requests", digits: 0 },
  storedPerEvent: { title: "B stored an event", digits: 0 },
  writtenPerEvent: { title: "B given to write(2) an event", digits: 0 },
} as const satisfies Record<string, Column>;

/** The name of a column. */
export type ColumnName = keyof typeof columns;

/** Whether a name out of a file is one of ours. */
export function isColumn(name: string): name is ColumnName {
  return Object.hasOwn(columns, name);
}

/** A number as the pages show it: thousands apart, no more decimals than it is worth. */
export function formatNumber(name: ColumnName, value: number): string {
  const { digits } = columns[name];
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
