/**
 * Everything of kafkajs 2.2.4 that is changed for the whole process, in one place. Each change mends a fault that every
 * client of the process would have, and none lets one client hear or disturb another:
 *
 * - `steadyClock`: a wall clock that is set stops its heartbeats and ends its requests (changes `Date.now` itself);
 * - `quietTimers`: the request queue's idle busy loop;
 * - `honestConnect`: connections that are half made and counted as made;
 * - `oneDisconnect`: sockets that are ended again and again in an outage, a listener more each time;
 * - `registerCodecs`: zstd, snappy and lz4, which it lacks;
 * - `installBeforeJoin`: waits for what a member does before it joins, for the members that ask for it;
 * - `installRawFetch`: Fetch answers as bytes, for the clients that ask for it.
 */
import { registerCodecs } from "../codecs/kafkajs-codecs.ts";
import { installBeforeJoin } from "./before-join.ts";
import { honestConnect } from "./honest-connect.ts";
import { oneDisconnect } from "./one-disconnect.ts";
import { quietTimers } from "./quiet-timers.ts";
import { installRawFetch } from "./raw-fetch.ts";
import { steadyClock } from "./steady-clock.ts";

/** Idempotent. Whoever makes a client calls it first. */
export function installPatches(): void {
  steadyClock();
  quietTimers();
  honestConnect();
  oneDisconnect();
  registerCodecs();
  installBeforeJoin();
  installRawFetch();
}
