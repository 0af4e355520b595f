/**
 * Which way the lines take from the edge to the centre: over Kafka where there is one or one can be had, else by relay, for which
 * nothing is needed. What is missing for Kafka is said in one line.
 */
import { AppError, hasCode, messageOf } from "../../shared/errors/app-error.ts";
import { codes } from "../drivers/codes.ts";

/** Over a topic, or straight by HTTP. */
export type Way = "kafka" | "relay";

/** What decides. */
export interface WayOptions {
  /** `--kafka`, `--relay`. */
  readonly kafka: boolean;
  readonly relay: boolean;
  /** Somebody's brokers: KAFKA_BROKERS. */
  readonly brokers: string | undefined;
  /** What a broker of our own lacks here and cannot be brought in; empty: nothing. */
  readonly lacking: readonly string[];
  /** Brings in what can be brought in. @throws AppError `TOOL_MISSING` when that does not work. */
  readonly prepare: () => Promise<void>;
  readonly say: (line: string) => void;
}

/** @throws AppError `USAGE` for both; `TOOL_MISSING` when Kafka was asked for and cannot be had. */
export async function chooseWay({ kafka, relay, brokers, lacking, prepare, say }: WayOptions): Promise<Way> {
  if (kafka && relay) throw new AppError("USAGE", "start: --kafka and --relay are two ways; choose one");
  if (relay) return "relay";
  if (kafka || brokers !== undefined) {
    await prepare();
    return "kafka";
  }
  const without = (missing: string) => {
    say(
      `no Kafka here (missing: ${missing}): the edge relays straight to the centre; KAFKA_BROKERS or --kafka for the other way`,
    );
    return "relay" as const;
  };
  if (lacking.length > 0) return without(lacking.join(", "));
  try {
    await prepare();
    return "kafka";
  } catch (thrown) {
    if (!hasCode(thrown, codes.TOOL_MISSING)) throw thrown;
    return without(messageOf(thrown).split("\n", 1)[0] ?? "");
  }
}
