import type { Gate } from "../../../shared/async/gate.ts";
import { invariant } from "../../../shared/errors/invariant.ts";
import type { Admission, ChannelSettings, ChannelStat, OldestHeld, StoreKeptChannel } from "../../core/channel.ts";
import type { StoredChannel } from "../../core/channel-store.ts";
import type { Lane, LaneSpec } from "../../core/lane.ts";
import { Holdings } from "./holdings.ts";
import type { Journal } from "./journal.ts";
import type { LaneState } from "./lane-state.ts";
import { heldOf } from "./progress.ts";
import { SqliteLaneReader } from "./take.ts";

/** One channel of the file, as the agent sees it. */
export class SqliteChannel implements StoreKeptChannel {
  readonly keeping = "store";
  readonly holdings: Holdings;
  private readonly readers = new Map<LaneState, SqliteLaneReader>();

  constructor(
    private readonly journal: Journal,
    readonly name: string,
    choice: StoredChannel,
  ) {
    this.holdings = new Holdings(journal, name, choice);
  }

  get room(): Gate {
    return this.holdings.room;
  }

  get arrived(): Gate {
    return this.holdings.arrived;
  }

  get settings(): ChannelSettings {
    return this.holdings.choice.settings;
  }

  handOver(): void {
    for (const reader of this.readers.values()) reader.handOver();
  }

  lanes(): readonly Lane[] {
    const { epoch } = this.journal.lanes;
    return this.holdings.lanes
      .filter(({ lane, progress }) => lane.epoch === epoch || progress.acked < progress.next)
      .map(({ lane }) => lane);
  }

  createLane(spec: LaneSpec): Lane {
    invariant(spec.channel === this.name, `a lane of channel "${spec.channel}" is not made by "${this.name}"`);
    const state = this.journal.lanes.create(spec);
    this.holdings.lanes.push(state);
    return state.lane;
  }

  nextSeq(lane: Lane): number {
    return this.journal.lanes.state(lane).progress.next;
  }

  oldest(lane: Lane): OldestHeld {
    return this.holdings.oldest(this.journal.lanes.state(lane));
  }

  admission(): Admission {
    return this.holdings.admission();
  }

  reader(lane: Lane): SqliteLaneReader {
    const state = this.journal.lanes.state(lane);
    let reader = this.readers.get(state);
    if (reader === undefined) {
      reader = new SqliteLaneReader(this.holdings, state);
      this.readers.set(state, reader);
    }
    return reader;
  }

  isBehind(): boolean {
    let batches = 0;
    for (const { progress } of this.holdings.lanes) batches += progress.batches;
    return batches > 2 * Math.max(1, this.holdings.lanes.length);
  }

  stat(): ChannelStat {
    let events = 0;
    let batches = 0;
    const lanes = this.holdings.lanes.map(({ lane, progress }) => {
      const { next: put, sent, shed, dead, counters } = progress;
      const held = heldOf(progress);
      events += held;
      batches += progress.batches;
      return { lane, put, sent, shed, dead, held, counters };
    });
    const { holdings } = this;
    return {
      events,
      batches,
      bytes: holdings.heldBytes,
      bytesMax: holdings.choice.bytesMax,
      // Looked up only when somebody wants to know: most figures are asked for one by one.
      get oldestMs() {
        return holdings.oldestMs();
      },
      admission: this.admission(),
      fullBy: holdings.fullBy(),
      lanes,
    };
  }
}
