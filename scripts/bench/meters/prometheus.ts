/** One number of a page in Prometheus's text format: the sample of that name whose labels include those given. */
export function metricOf(
  page: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const line of page.split("\n")) {
    if (!line.startsWith(name)) continue;
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null || match[1] !== name) continue;
    const has = match[2] ?? "";
    if (Object.entries(labels).every(([key, value]) => has.includes(`${key}="${value}"`))) return Number(match[3]);
  }
  return undefined;
}
