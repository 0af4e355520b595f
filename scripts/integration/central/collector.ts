import type { ConsumerHandler, Delivery, Outcome, Start } from "../../../central/consumer/consumer.ts";
import { plainRecord } from "../../../central/records/record-block.ts";

/** A consumer's handler that keeps what is delivered. */
export class Collector implements ConsumerHandler {
  readonly lines: string[] = [];
  readonly deliveries: Delivery[] = [];
  readonly assignments: string[] = [];
  start: Start = "earliest";
  answer: (delivery: Delivery) => Outcome = () => ({ kind: "done" });

  async assigned({ topic, partition }: { topic: string; partition: number }): Promise<Start> {
    this.assignments.push(`${topic}-${partition}`);
    return this.start;
  }

  async deliver(delivery: Delivery): Promise<Outcome> {
    const outcome = this.answer(delivery);
    if (outcome.kind === "seek") return outcome;
    this.deliveries.push(delivery);
    for (const block of delivery.blocks) {
      for (let index = 0; index < block.count; index++)
        this.lines.push(plainRecord(block, index).value?.toString() ?? "");
    }
    return outcome;
  }
}
