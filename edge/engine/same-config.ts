/**
 * Whether two validated configs say the same. A reload keeps what is equal, so what cannot be compared counts as
 * changed, with one exception: functions are not looked at. A function in a config was made from what stands beside it
 * (a compiled pattern from its source, a module's from its path and version), and that is compared.
 */
export function sameConfig(a: unknown, b: unknown): boolean {
  return same(a, b, new Map());
}

function same(a: unknown, b: unknown, under: Map<object, object>): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a === "function" && typeof b === "function") return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  // Being compared already: the two have the same shape as far as it was looked at.
  if (under.get(a) === b) return true;
  under.set(a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof RegExp && b instanceof RegExp) return a.source === b.source && a.flags === b.flags;
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime();
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return sameBytes(a, b);
  if (a instanceof Map && b instanceof Map) return same([...a], [...b], under);
  if (a instanceof Set && b instanceof Set) return same([...a], [...b], under);
  const [left, right] = [Object.keys(a), Object.keys(b)];
  if (left.length !== right.length) return false;
  // An object that shows nothing of itself (private fields, something of the runtime's) cannot be compared.
  if (left.length === 0 && !isPlain(a)) return false;
  return left.every((name) => Object.hasOwn(b, name) && same(Reflect.get(a, name), Reflect.get(b, name), under));
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}

function sameBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);
  return bytes(a).equals(bytes(b));
}
