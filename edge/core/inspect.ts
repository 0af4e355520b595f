/** What `check` tells a component about the machine that it looks at. */
export interface Surroundings {
  readonly dataDir: string;
  /** See `SourceContext.ownFiles`. */
  readonly ownFiles: readonly string[];
  /** Which other source has claimed the same before: a file, a pattern. From now on this one claims it, if nobody does. */
  claim(what: string): string | undefined;
}

/** What a component finds when it compares its config with this machine as it is now; a valid config may have any of it. */
export interface Remark {
  /** `note`: it may well be meant, and change by itself. */
  readonly level: "warning" | "note";
  /** The field it is about. */
  readonly field: string;
  readonly message: string;
}
