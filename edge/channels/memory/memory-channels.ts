/**
 * Channels that die with the process. What makes them safe all the same: a source's position becomes durable only when
 * every batch that was put with it, and every one before, has been delivered. After a crash the source reads from there:
 * nothing is lost, and what had been delivered since is delivered again.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../../shared/errors/app-error.ts";
import type { Channel } from "../../core/channel.ts";
import type { CreateMemoryChannels, PositionUpdate } from "../../core/channel-store.ts";
import type { PutBatch } from "../../core/stored-batch.ts";
import { MemoryChannel } from "./memory-channel.ts";

/** What was put together, until all of it has ended. */
interface Part {
  readonly positions: readonly PositionUpdate[];
  open: number;
}

/** Makes the channels. Their epoch is one of this process alone: their numbers begin at 0 with each start. */
export const createMemoryChannels: CreateMemoryChannels = (options) => {
  const { agent, clock, onDelivered } = options;
  const start = createHash("sha256").update(`${clock.bootId()} ${clock.uptimeMs()} ${process.pid}`).digest("hex");
  const epoch = `${options.epoch}-${start.slice(0, 8)}`;
  const channels = new Map<string, MemoryChannel>();
  const laneNumbers = new Map<string, number>();
  for (const [name, choice] of options.channels) {
    channels.set(name, new MemoryChannel({ name, agent, choice, epoch, clock, laneNumbers }));
  }
  const parts: Part[] = [];
  const deliver = () => {
    const delivered: PositionUpdate[] = [];
    for (let part = parts[0]; part !== undefined && part.open === 0; part = parts[0]) {
      for (const position of part.positions) delivered.push(position);
      parts.shift();
    }
    if (delivered.length > 0) onDelivered(delivered);
  };
  const channel = (batch: PutBatch): MemoryChannel => {
    const found = channels.get(batch.lane.channel);
    if (found === undefined)
      throw new AppError("INVARIANT", `put into channel "${batch.lane.channel}": it is not in memory`);
    return found;
  };
  return {
    channels: channels as ReadonlyMap<string, Channel>,
    put(batches, positions) {
      const part: Part = { positions, open: batches.length };
      parts.push(part);
      const ended = () => {
        part.open--;
        deliver();
      };
      for (const batch of batches) channel(batch).put(batch, ended);
      for (const name of new Set(batches.map(({ lane }) => lane.channel))) channels.get(name)?.arrived.open();
      deliver();
    },
  };
};
