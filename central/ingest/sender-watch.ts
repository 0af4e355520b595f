import type { Report } from "../../shared/telemetry/log.ts";
import type { BatchSender } from "../records/batch-sender.ts";
import type { RecordSlice } from "../records/record-block.ts";
import { senderChanged } from "../telemetry.ts";

/** Agents whose last batch is remembered; beyond them the longest known is forgotten and may be said again. */
const agentsMax = 10_000;

/** Records of this process by what their batch's signature says; none while signatures are not looked at. */
export interface SenderCounts {
  readonly signed: number;
  readonly unsigned: number;
  readonly wronglySigned: number;
}

/** Counts records by what their batch's signature says, and says it of an agent when that changes. */
export class SenderWatch {
  private signed = 0;
  private unsigned = 0;
  private wronglySigned = 0;
  private readonly last = new Map<string, BatchSender["kind"]>();

  constructor(private readonly report: Report) {}

  counts(): SenderCounts {
    const { signed, unsigned, wronglySigned } = this;
    return { signed, unsigned, wronglySigned };
  }

  count(slices: readonly RecordSlice[]): void {
    for (const { block, from, to } of slices) {
      const { sender } = block;
      switch (sender.kind) {
        case "unchecked":
          continue;
        case "signed":
          this.signed += to - from;
          break;
        case "unsigned":
          this.unsigned += to - from;
          break;
        case "wrong":
          this.wronglySigned += to - from;
          break;
      }
      this.note(sender);
    }
  }

  private note(sender: Exclude<BatchSender, { readonly kind: "unchecked" }>): void {
    const { agent, kind } = sender;
    const before = this.last.get(agent);
    if (before === kind) return;
    this.last.delete(agent);
    this.last.set(agent, kind);
    const [oldest] = this.last.keys();
    if (this.last.size > agentsMax && oldest !== undefined) this.last.delete(oldest);
    // A fleet that signs is no news; the first that does not is, and so is one that begins again.
    if (before === undefined && kind === "signed") return;
    this.report(senderChanged, { agent, batches: kind, ...(sender.kind === "wrong" ? { reason: sender.reason } : {}) });
  }
}
