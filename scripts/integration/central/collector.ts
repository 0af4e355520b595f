import type { Arrival, ConsumerHandler, Outcome, Start } from "../../../central/consumer/consumer.ts";
import { plainRecord } from "../../../central/records/record-block.ts";

/** A consumer's handler that keeps what is delivered. */
export class Collector implements ConsumerHandler {
  readonly lines: string[] = [];
  readonly arrivals: Arrival[] = [];
  readonly assignments: string[] = [];
  start: Start = "earliest";
  answer: (arrival: Arrival) => Outcome = () => ({ kind: "done" });

  async assigned({ topic, partition }: { topic: string; partition: number }): Promise<Start> {
    this.assignments.push(`${topic}-${partition}`);
    return this.start;
  }

  async deliver(arrival: Arrival): Promise<Outcome> {
    const outcome = this.answer(arrival);
    if (outcome.kind === "seek") return outcome;
    this.arrivals.push(arrival);
    for (const block of arrival.blocks) {
      for (let index = 0; index < block.count; index++)
        this.lines.push(plainRecord(block, index).value?.toString() ?? "");
    }
    return outcome;
  }
}
