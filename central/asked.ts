/** What is asked of central while it runs. */
export interface Asked {
  readonly stop: AbortSignal;
  /** Calls back when files that may have been renewed are to be looked at now. */
  onHangup(look: () => void): void;
}

/** By signals: SIGTERM and SIGINT stop it, and a second one does not wait for anybody (`leave`); SIGHUP looks at files again. */
export function askedBySignals(leave: () => void): Asked {
  const stop = new AbortController();
  const onStop = () => {
    if (stop.signal.aborted) leave();
    stop.abort();
  };
  process.on("SIGTERM", onStop);
  process.on("SIGINT", onStop);
  let lookAgain = () => {};
  // Without a listener it would end the process.
  process.on("SIGHUP", () => lookAgain());
  return {
    stop: stop.signal,
    onHangup: (look) => {
      lookAgain = look;
    },
  };
}
