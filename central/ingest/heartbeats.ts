/**
 * Heartbeats on their way from the topic into the store: what is none, or not its sender's to say, is counted and said;
 * of a run of heartbeats of one agent the last one says all that the ones before it said.
 */

import type { Clock } from "../../shared/clock/clock.ts";
import { hasCode, messageOf } from "../../shared/errors/app-error.ts";
import { readHeartbeat } from "../../shared/heartbeat/heartbeat.ts";
import { parseIdentity } from "../../shared/identity/identity.ts";
import type { Report } from "../../shared/telemetry/log.ts";
import type { HeardBeat } from "../fleet/presence.ts";
import { type Admission, type AdmissionRules, admissionOn } from "../ledger/admission.ts";
import { plainRecord, type RecordSlice } from "../records/record-block.ts";
import type { FleetStore, HearResult } from "../store/fleet-port.ts";
import { heartbeatRefused, heartbeatsTooMany } from "../telemetry.ts";

/** Of this process, by what became of them. */
export interface HeartbeatCounts {
  readonly kept: number;
  readonly older: number;
  readonly refused: number;
}

/** Which topics hold heartbeats, and who takes them. */
export interface HeartbeatTopics {
  of(topic: string): Pick<Heartbeats, "take"> | undefined;
}

/** What they are handed to, and by which rules. */
export interface HeartbeatsOptions {
  readonly store: FleetStore;
  readonly rules: AdmissionRules;
  readonly clock: Clock;
  readonly report: Report;
}

export class Heartbeats {
  private kept = 0;
  private older = 0;
  private refused = 0;
  private readonly admissions = new Map<string, Admission | undefined>();

  constructor(private readonly options: HeartbeatsOptions) {}

  counts(): HeartbeatCounts {
    const { kept, older, refused } = this;
    return { kept, older, refused };
  }

  /** Takes records of a topic of heartbeats; taken again they change nothing. @throws AppError as `FleetStore.hear`. */
  async take(topic: string, slices: readonly RecordSlice[]): Promise<void> {
    const nowMs = this.options.clock.now();
    const beats: HeardBeat[] = [];
    let refused = 0;
    for (const { block, from, to } of slices) {
      for (let index = from; index < to; index++) {
        const record = plainRecord(block, index);
        // A key without a value: compaction takes the agent away. What was heard of it stays.
        if (record.value === undefined) continue;
        const reading = readHeartbeat(record.value);
        const reason = reading.ok ? this.bar(topic, record, reading.beat.agent, block.sender) : reading.reason;
        if (!reading.ok || reason !== undefined) {
          refused++;
          this.options.report(heartbeatRefused, { topic, offset: record.offset, reason });
          continue;
        }
        const heardMs = block.brokerTime === true ? Math.min(record.timeMs, nowMs) : nowMs;
        beats.push({ beat: reading.beat, heardMs });
      }
    }
    const { kept, older, tooMany } = await this.hear(topic, lastOfRuns(beats), nowMs);
    this.kept += kept;
    this.older += older;
    this.refused += refused + tooMany;
    if (tooMany > 0) this.options.report(heartbeatsTooMany, { topic, heartbeats: tooMany });
  }

  /** What the store itself cannot take is put aside alone: it must not stop the others. */
  private async hear(topic: string, beats: readonly HeardBeat[], nowMs: number): Promise<HearResult> {
    try {
      return beats.length === 0 ? { kept: 0, older: 0, tooMany: 0 } : await this.options.store.hear(beats, nowMs);
    } catch (thrown) {
      if (!hasCode(thrown, "CENTRAL_RECORD_POISON")) throw thrown;
      const [only] = beats;
      if (beats.length === 1 && only !== undefined) {
        this.refused++;
        this.options.report(heartbeatRefused, { topic, agent: only.beat.agent, reason: messageOf(thrown) });
        return { kept: 0, older: 0, tooMany: 0 };
      }
      const half = beats.length >> 1;
      const one = await this.hear(topic, beats.slice(0, half), nowMs);
      const other = await this.hear(topic, beats.slice(half), nowMs);
      return { kept: one.kept + other.kept, older: one.older + other.older, tooMany: one.tooMany + other.tooMany };
    }
  }

  /** Who may be named is bound to what the sender cannot choose, as for records (ledger/admission.ts). */
  private bar(
    topic: string,
    { key, identity }: ReturnType<typeof plainRecord>,
    agent: string,
    sender: RecordSlice["block"]["sender"],
  ): string | undefined {
    if (key?.toString("utf8") !== agent) return "its key is another agent than the one that it names";
    const named = identity === undefined ? agent : parseIdentity(identity)?.agent;
    if (named !== agent) return "its identity names another agent than it does";
    if (!this.admissions.has(topic)) this.admissions.set(topic, admissionOn(topic, this.options.rules));
    return this.admissions.get(topic)?.(agent, sender);
  }
}

/** In order; each agent's beats of one run are told by the last of them. */
function lastOfRuns(beats: readonly HeardBeat[]): readonly HeardBeat[] {
  const next = new Map<string, string>();
  return beats
    .toReversed()
    .filter(({ beat: { agent, run } }) => {
      const isLast = next.get(agent) !== run;
      next.set(agent, run);
      return isLast;
    })
    .toReversed();
}
