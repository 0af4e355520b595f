/** One event as it is sent. */
export interface OutgoingEvent {
  readonly headers: ReadonlyMap<string, Uint8Array | string>;
  readonly body: Uint8Array;
}
