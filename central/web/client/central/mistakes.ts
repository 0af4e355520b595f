/** What is wrong with one field of what was asked for. */
export interface Mistake {
  readonly field: string;
  readonly words: string;
}

/** `read the parameters: topics.0: no name; into.topic: …`, as central's routes write it. */
export function mistakesIn(detail: string): readonly Mistake[] {
  const [, all] = /^read the parameters: (.*)$/s.exec(detail) ?? [];
  return (all ?? "").split("; ").flatMap((each) => {
    const [, field, words] = /^([\w.]+): (.*)$/s.exec(each) ?? [];
    return field === undefined || words === undefined ? [] : [{ field, words }];
  });
}
