/** Which topics to consume: names, or a pattern that finds new ones by itself. */
export interface TopicSelection {
  readonly names: readonly string[];
  readonly pattern: RegExp | undefined;
  /** As the config says it, for the log. */
  readonly text: string;
}

/** The topics of the cluster that are meant, in a stable order. Kafka's own (`__…`) only when named. */
export function selectTopics(selection: TopicSelection, existing: readonly string[]): readonly string[] {
  const { names, pattern } = selection;
  return existing
    .filter((topic) => names.includes(topic) || (!topic.startsWith("__") && pattern?.test(topic) === true))
    .sort();
}
