import { formatByteSize } from "../../../shared/config/byte-size.ts";
import { formatDuration } from "../../../shared/config/duration.ts";
import { limits } from "../../core/limits.ts";

/** What of a topic's settings matters to us. Undefined: we may not read them. */
export interface TopicSettings {
  readonly logAppendTime: boolean | undefined;
  /** Negative: for ever. */
  readonly retentionMs: number | undefined;
  readonly minInSyncReplicas: number | undefined;
  readonly messageBytesMax: number | undefined;
  readonly cleanupPolicy: string | undefined;
}

/** What is known where DESCRIBE_CONFIGS is not allowed: nothing, so nothing is warned about. */
export const unknownSettings: TopicSettings = {
  logAppendTime: undefined,
  retentionMs: undefined,
  minInSyncReplicas: undefined,
  messageBytesMax: undefined,
  cleanupPolicy: undefined,
};

/** From the names Kafka gives them. */
export function settingsOf(settings: ReadonlyMap<string, string>): TopicSettings {
  const number = (name: string) => {
    const text = settings.get(name);
    return text === undefined ? undefined : Number(text);
  };
  const timestampType = settings.get("message.timestamp.type");
  return {
    logAppendTime: timestampType === undefined ? undefined : timestampType === "LogAppendTime",
    retentionMs: number("retention.ms"),
    minInSyncReplicas: number("min.insync.replicas"),
    messageBytesMax: number("max.message.bytes"),
    cleanupPolicy: settings.get("cleanup.policy"),
  };
}

/** One setting that may cost events, and what would be better. */
export interface SettingWarning {
  readonly setting: string;
  readonly value: string;
  readonly hint: string;
}

/** Whoever is away for three days (a long weekend) should still find everything. */
const retentionMsWanted = 3 * 86_400_000;

/** What to say once about a topic. */
export function warningsOf(settings: TopicSettings, replicas: number): readonly SettingWarning[] {
  const { logAppendTime, retentionMs, minInSyncReplicas, messageBytesMax, cleanupPolicy } = settings;
  const warnings: SettingWarning[] = [];
  const warn = (setting: string, value: string, hint: string) => warnings.push({ setting, value, hint });
  if (logAppendTime === false) {
    const hint =
      "Set LogAppendTime: with the producer's time, deletion and the broker's memory of a sender go by our clock.";
    warn("message.timestamp.type", "CreateTime", hint);
  }
  if (retentionMs !== undefined && retentionMs >= 0 && retentionMs < retentionMsWanted) {
    warn("retention.ms", formatDuration(retentionMs), "Set it longer than the longest time that consumers are away.");
  }
  if (minInSyncReplicas !== undefined && minInSyncReplicas < 2 && replicas >= 2) {
    const hint = "Set 2 or more: with 1, what one broker acknowledged is lost with its disk.";
    warn("min.insync.replicas", String(minInSyncReplicas), hint);
  }
  if (messageBytesMax !== undefined && messageBytesMax < limits.batchBytesMax) {
    const hint = `Set at least ${formatByteSize(limits.batchBytesMax)}: larger batches are cut in two, again and again.`;
    warn("max.message.bytes", formatByteSize(messageBytesMax), hint);
  }
  if (cleanupPolicy?.includes("compact") === true) {
    warn("cleanup.policy", cleanupPolicy, "Set delete: compaction removes all but the last event of a key.");
  }
  return warnings;
}
