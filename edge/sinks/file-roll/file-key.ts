/** What a file in progress is called: the name it will be published under, and its number in the order of beginnings. */
export function keyOf(name: string, serial: number): string {
  return `${encodeURIComponent(name)}~${serial}`;
}

/** The name in a key. */
export function nameOf(key: string): string {
  return decodeURIComponent(key.slice(0, key.lastIndexOf("~")));
}

/** The number in a key. */
export function serialOf(key: string): number {
  return Number(key.slice(key.lastIndexOf("~") + 1));
}

/** Whether a file's name is one of ours. */
export function isKey(text: string): boolean {
  return /~\d+$/.test(text);
}
