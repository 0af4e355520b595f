import { join } from "node:path";
import { type Child, startChild } from "../../../shared/testing/child.ts";

/** How a central of a test is set up. */
export interface CentralProcessOptions {
  /** Left out: there is no Kafka, and what comes, comes by relay. */
  readonly brokers?: string;
  readonly topics?: readonly string[];
  readonly group: string;
  /** Path of the SQLite file. */
  readonly store: string;
  /** Of 127.0.0.1. */
  readonly port: number;
  /** A file with what variables cannot say. */
  readonly config?: string;
  /** Anything else that is set by variables: `TAILGATE_SESSION_TIMEOUT`, … */
  readonly environment?: Readonly<Record<string, string>>;
  /** What it writes to, a line at a time. */
  readonly onLine?: (line: string) => void;
  /** Puts words before the command: `nsenter …`. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
}

/** The numbers of `/api/v1/status` that tests look at. */
export interface CentralStatus {
  readonly stored: number;
  readonly missing: number;
  readonly repeated: number;
  readonly conflicts: number;
  readonly shed: number;
  readonly deadLettered: number;
  readonly gaps: number;
  readonly lag: number | null;
  readonly storeAvailable: boolean;
  readonly relayWaitingBytes: number;
}

const root = join(import.meta.dir, "../../..");

/** Starts central from its sources as a process of its own, and does not wait until it serves. */
export function startCentral(options: CentralProcessOptions): Child {
  const { brokers = "", topics = [], group, store, port, config, environment = {}, onLine } = options;
  const { wrap = (command: readonly string[]) => command } = options;
  return startChild({
    name: "central",
    command: wrap([
      process.execPath,
      join(root, "central", "main.ts"),
      ...(config === undefined ? [] : ["--config", config]),
    ]),
    cwd: root,
    env: {
      KAFKA_BROKERS: brokers,
      TAILGATE_TOPICS: topics.join(","),
      TAILGATE_GROUP: group,
      TAILGATE_STORE: store,
      TAILGATE_LISTEN: `127.0.0.1:${port}`,
      ...environment,
    },
    ...(onLine === undefined ? {} : { onLine }),
  });
}
