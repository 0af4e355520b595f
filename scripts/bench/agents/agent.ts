/** How an agent is to carry the lines. Peers take of it what they have a setting for. */
export interface Flow {
  readonly compression: "zstd" | "gzip" | "none";
  /** How long a line may wait for company; the agent's own default when not given. */
  readonly lingerMs?: number;
  /** One identity header a record (ours alone). */
  readonly identity: boolean;
  /** A regex filter that lets every line through, and a key by regex (ours alone). */
  readonly interceptors: boolean;
  readonly partition: "agent" | "key";
  /** Batches are signed as they are sent (ours alone). */
  readonly signed?: boolean;
}

/** One start of an agent: what to read, where to keep its state, where to send. */
export interface Task {
  /** The directory whose `*.log` files are tailed. */
  readonly logs: string;
  /** The agent's own directory: config, state, buffer; new for each run. */
  readonly home: string;
  readonly bootstrap: string;
  readonly topic: string;
  readonly flow: Flow;
  /** For agents with an admin port. */
  readonly adminPort: number;
}

/** What to execute for a task. */
export interface Plan {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Files to write into the task's home first, by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** Whether an agent can take part, and what keeps it from doing so. */
export type Availability =
  | { readonly kind: "ready"; readonly version: string }
  | { readonly kind: "unavailable"; readonly reason: string };

/** How a line stands in a record. */
export type RecordForm = "line" | "json string";

/** A log collector under test: ours, or a peer that does the same job with the same input. */
export interface Agent {
  /** As the pages show it. */
  readonly name: string;
  /** As `--peers` takes it; several agents may share one (two set-ups of one product). */
  readonly product: string;
  /** How durable this set-up is, in the page's words. */
  readonly setup: string;
  /** What a record's value is: the line as it stood in the file, or that line as a JSON string; the line when not said. */
  readonly records?: RecordForm;
  /** Share of the lines it is given; below 1 only for those that would take many minutes. */
  readonly share: number;
  /** Fetches or installs what it needs, saying so. Never throws for what is missing: it says what. */
  prepare(progress: (text: string) => void): Promise<Availability>;
  plan(task: Task): Plan;
}
