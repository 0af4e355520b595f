import { z } from "zod";

/** A place in a config whose field carries a mark, and what is written there. */
export interface MarkedField {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  /** What the schema's meta says under the mark's name. */
  readonly mark: unknown;
}

/**
 * All values of a config whose schema carries `mark` in its meta: secrets to hide, names that must exist. The marks
 * live with the fields, so nobody keeps a second list. Works on what was written and on what came of it.
 */
export function markedFields(schema: z.core.$ZodType, value: unknown, mark: string): readonly MarkedField[] {
  const found = new Map<string, MarkedField>();
  collect(schema, value, mark, [], found);
  return [...found.values()];
}

function collect(
  schema: z.core.$ZodType,
  value: unknown,
  mark: string,
  path: readonly PropertyKey[],
  found: Map<string, MarkedField>,
): void {
  if (value === undefined || value === null) return;
  const marked = z.globalRegistry.get(schema)?.[mark];
  if (marked !== undefined) {
    found.set(JSON.stringify(path), { path, value, mark: marked });
    return;
  }
  const into = (inner: z.core.$ZodType, item: unknown, name?: PropertyKey) =>
    collect(inner, item, mark, name === undefined ? path : [...path, name], found);
  const { def } = schema._zod;
  if (is(def, "object") || is(def, "record")) {
    if (!isObject(value)) return;
    for (const [name, item] of Object.entries(value)) {
      const inner = is(def, "record") ? def.valueType : def.shape[name];
      if (inner !== undefined) into(inner, item, name);
    }
    return;
  }
  if (is(def, "array")) {
    if (Array.isArray(value)) for (const [index, item] of value.entries()) into(def.element, item, index);
    return;
  }
  if (is(def, "union")) {
    // Which alternative it was is not recorded: the marks of all that fit its shape count.
    for (const option of def.options) if (fits(option, value)) into(option, value);
    return;
  }
  if (is(def, "pipe")) into(def.in, value);
  else if ("innerType" in def && def.innerType instanceof z.core.$ZodType) into(def.innerType, value);
}

function fits(option: z.core.$ZodType, value: unknown): boolean {
  const { def } = option._zod;
  if (def.type === "string") return typeof value === "string";
  if (def.type === "array") return Array.isArray(value);
  return true;
}

type Defs = {
  object: z.core.$ZodObjectDef;
  array: z.core.$ZodArrayDef;
  record: z.core.$ZodRecordDef;
  union: z.core.$ZodUnionDef;
  pipe: z.core.$ZodPipeDef;
};

function is<K extends keyof Defs>(def: z.core.$ZodTypeDef, type: K): def is Defs[K] {
  return def.type === type;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
