/** Reads answers whose shape this page does not fix: what is not there is undefined, and nothing throws. */

/** A field of an object. */
export function fieldIn(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

/** A field that is a number. */
export function numberIn(value: unknown, name: string): number | undefined {
  const found = fieldIn(value, name);
  return typeof found === "number" ? found : undefined;
}

/** A field that is a text. */
export function textIn(value: unknown, name: string): string | undefined {
  const found = fieldIn(value, name);
  return typeof found === "string" ? found : undefined;
}

/** A field that is a list; empty when there is none. */
export function listIn(value: unknown, name: string): readonly unknown[] {
  const found = fieldIn(value, name);
  return Array.isArray(found) ? found : [];
}
