import { formatByteSize } from "../../shared/config/byte-size.ts";
import { defineSignal, type Report } from "../../shared/telemetry/log.ts";
import type { Channel } from "../core/channel.ts";

const signals = {
  full: defineSignal({
    name: "channel_full",
    level: "warn",
    message: "A channel takes nothing more: its sources wait, or what they read is dropped, as `full` says",
  }),
  lowDisk: defineSignal({
    name: "channel_disk_low",
    level: "error",
    message: "A channel takes nothing: less disk is free than its `freeDisk` leaves to others",
  }),
  room: defineSignal({ name: "channel_has_room", level: "info", message: "A channel takes events again" }),
};

const lookEveryMs = 2_000;
/** At its bound a channel opens and closes with each batch: it has room when it has had it for so long. */
const roomForMs = 10_000;

/** Says once when a channel takes nothing more, and once when it has room again. */
export class FullChannels {
  /** Those that were said to be full, with since when they have room again. */
  private readonly said = new Map<string, { roomSinceMs: number | undefined }>();
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly channels: () => Iterable<Channel>,
    private readonly report: Report,
  ) {}

  start(): void {
    this.look(performance.now());
    this.timer = setInterval(() => this.look(performance.now()), lookEveryMs);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** One look at all channels. */
  look(nowMs: number): void {
    for (const channel of this.channels()) {
      const said = this.said.get(channel.name);
      if (channel.admission() !== "open") {
        if (said === undefined) this.tell(channel);
        this.said.set(channel.name, { roomSinceMs: undefined });
      } else if (said !== undefined) {
        said.roomSinceMs ??= nowMs;
        if (nowMs - said.roomSinceMs < roomForMs) continue;
        this.said.delete(channel.name);
        this.report(signals.room, { component: channel.name });
      }
    }
  }

  private tell(channel: Channel): void {
    const { bytes, bytesMax, events, fullBy } = channel.stat();
    const held = { component: channel.name, events, bytes: formatByteSize(bytes), capacity: formatByteSize(bytesMax) };
    if (fullBy === "disk") {
      this.report(signals.lowDisk, { ...held, hint: "Free disk space, or lower the channel's freeDisk." });
    } else
      this.report(signals.full, { ...held, hint: "See why its sink does not deliver; a reload can raise capacity." });
  }
}

/** Why a channel takes nothing although nothing is wrong with its destination; undefined when it does. */
export function diskRefusal(channel: Channel): string | undefined {
  const { admission, fullBy } = channel.stat();
  if (admission === "open" || fullBy !== "disk") return undefined;
  return `channel ${channel.name} takes nothing: less disk is free than its freeDisk leaves to others`;
}
