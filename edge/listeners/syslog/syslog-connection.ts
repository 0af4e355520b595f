import type { Intake } from "../../core/source.ts";
import { type Connection, protocolError } from "../connection.ts";
import { hasRoom } from "../room.ts";
import { type Framing, SyslogFrames } from "./frames.ts";
import { SyslogIntake } from "./syslog-intake.ts";
import { type SyslogConfig, SyslogReader } from "./syslog-reader.ts";

/** How a connection of syslog is read. */
export interface SyslogConnectionConfig extends SyslogConfig {
  readonly framing: Framing;
  readonly eventBytesMax: number;
}

/** What the source of a connection has. */
export interface SyslogConnectionOptions {
  readonly config: SyslogConnectionConfig;
  readonly intake: Intake;
  readonly signal: AbortSignal;
  readonly now: () => number;
  /** Of every event. */
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Reads syslog from a connection to its end. The protocol has no answers: the only thing that reaches a sender is that its
 * connection is not read while the channel is full.
 */
export async function readSyslog(connection: Connection, options: SyslogConnectionOptions): Promise<void> {
  const { config, intake, signal, now, headers } = options;
  const frames = new SyslogFrames({ framing: config.framing, lineBytesMax: config.eventBytesMax });
  const reader = new SyslogReader(config, now, headers);
  reader.clientIp = connection.peerAddress;
  const output = new SyslogIntake(intake, reader);
  let open = true;
  while (open) {
    open = await connection.fill();
    // What was received before a stop is taken; no sender would send it again.
    if (!(await hasRoom(intake, signal))) return;
    const used = frames.split(connection.bytes, output, !open && !connection.isStopping);
    if (used === undefined) throw protocolError("a message does not begin with its length");
    connection.consume(used);
  }
}
