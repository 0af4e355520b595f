import { readFileSync } from "node:fs";

/**
 * Time comes in from outside, so that tests own it. Two clocks, because they fail differently: the wall clock of a
 * vehicle may start in 1970 and jump; the uptime never jumps but means nothing across a boot.
 */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May be wrong, may jump in either direction. */
  now(): number;
  /** Milliseconds since the machine booted, suspended time included; never goes back within one boot. */
  uptimeMs(): number;
  /** Names this boot: uptimes can be compared only when the boot id is the same. */
  bootId(): string;
}

/** Kept from the start: `steadyClock` gives kafkajs another one. */
const wallClockMs = Date.now;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => wallClockMs(),
  uptimeMs: () => uptimeAtStartMs() + performance.now(),
  bootId: () => bootId(),
};

let uptimeOffsetMs: number | undefined;
function uptimeAtStartMs(): number {
  // /proc/uptime counts suspended time; performance.now() advances it cheaply between readings.
  uptimeOffsetMs ??= Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000 - performance.now();
  return uptimeOffsetMs;
}

let bootIdText: string | undefined;
function bootId(): string {
  bootIdText ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return bootIdText;
}

/** A clock that moves only when told. */
export class VirtualClock implements Clock {
  constructor(
    private wallMs = 1_700_000_000_000,
    private upMs = 1_000_000,
    private boot = "boot-1",
  ) {}
  now(): number {
    return this.wallMs;
  }
  uptimeMs(): number {
    return this.upMs;
  }
  bootId(): string {
    return this.boot;
  }
  /** Both clocks move on, as they do while nothing is wrong. */
  advance(ms: number): void {
    this.wallMs += ms;
    this.upMs += ms;
  }
  /** Somebody sets the wall clock; the uptime does not notice. */
  setWall(ms: number): void {
    this.wallMs = ms;
  }
  /** The machine starts again: the uptime begins anew under another boot id. */
  reboot(): void {
    this.upMs = 1_000;
    this.boot = `${this.boot}+`;
  }
}
