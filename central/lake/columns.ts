/** The lake's columns: one declaration for Parquet, for Iceberg, and for whoever asks what stands in them. */

/** A column. Its id never changes, and is never given to another one: Iceberg finds columns by it. */
export interface Column {
  readonly name: string;
  readonly id: number;
  readonly type: "string" | "int" | "long" | "timestamptz" | "binary";
  readonly required: boolean;
  readonly doc: string;
}

const required = true;
const optional = false;

/** All of them, in the order of their ids. A new one comes last, and is optional. */
export const columns: readonly Column[] = [
  {
    id: 1,
    name: "vehicle",
    type: "string",
    required,
    doc: "As the store names it: the key, or without one the agent.",
  },
  { id: 2, name: "stream", type: "string", required, doc: "Of the identity; without one the topic." },
  { id: 3, name: "event_time", type: "timestamptz", required, doc: "Of the identity; without one kafka_time." },
  {
    id: 4,
    name: "edge_time",
    type: "timestamptz",
    required: optional,
    doc: "The record's time, where its producer gave it; null where the broker did.",
  },
  { id: 5, name: "kafka_time", type: "timestamptz", required, doc: "The record's time as Kafka holds it." },
  { id: 6, name: "topic", type: "string", required, doc: "Topic, partition and offset: once in the table." },
  { id: 7, name: "partition", type: "int", required, doc: "Of the topic." },
  { id: 8, name: "offset", type: "long", required, doc: "Of the record in its partition." },
  { id: 9, name: "agent", type: "string", required: optional, doc: "Of the identity, as the next six." },
  { id: 10, name: "epoch", type: "string", required: optional, doc: "Born with the agent's channel file." },
  { id: 11, name: "lane", type: "int", required: optional, doc: "Ordered line of the stream." },
  { id: 12, name: "seq", type: "long", required: optional, doc: "Number of the record in its lane." },
  {
    id: 13,
    name: "shed_to",
    type: "long",
    required: optional,
    doc: "Of a marker alone: the numbers seq to shed_to were shed by policy, and do not come.",
  },
  { id: 14, name: "shed_reason", type: "string", required: optional, doc: "Why." },
  { id: 15, name: "body", type: "binary", required: optional, doc: "The record's value, byte for byte." },
];

/** By its name. */
export function columnId(name: string): number {
  const found = columns.find((column) => column.name === name);
  if (found === undefined) throw new Error(`there is no column ${name}`);
  return found.id;
}
