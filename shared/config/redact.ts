import { z } from "zod";

/** What stands in a secret's place. */
export const REDACTED = "***";

/**
 * A copy of a validated config that may be shown: every field whose schema is marked `secret` reads `***`.
 * The marks come from the schema, so a new secret field is hidden without anybody remembering to.
 */
export function redact(schema: z.core.$ZodType, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  if (isSecret(schema)) return REDACTED;
  const { def } = schema._zod;
  if (is(def, "object")) return redactObject(def, value);
  if (is(def, "array")) return Array.isArray(value) ? value.map((item) => redact(def.element, item)) : value;
  if (is(def, "record")) {
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redact(def.valueType, item)]))
      : value;
  }
  if (is(def, "union")) return redactUnion(def.options, value);
  const inner = innerOf(def);
  return inner === undefined ? value : redact(inner, value);
}

function isSecret(schema: z.core.$ZodType): boolean {
  return z.globalRegistry.get(schema)?.secret === true;
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

function redactObject(def: z.core.$ZodObjectDef, value: unknown): unknown {
  if (!isObject(value)) return value;
  const shown: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    const field = def.shape[name];
    shown[name] = field === undefined ? item : redact(field, item);
  }
  return shown;
}

/** Which alternative it was is not recorded: what any of them hides is hidden. */
function redactUnion(options: readonly z.core.$ZodType[], value: unknown): unknown {
  return options.reduce((shown, option) => redact(option, shown), value);
}

/** Through optional, default, readonly, … to what they wrap; a transform's input side carries the marks. */
function innerOf(def: z.core.$ZodTypeDef): z.core.$ZodType | undefined {
  if (is(def, "pipe")) return def.in;
  return "innerType" in def && def.innerType instanceof z.core.$ZodType ? def.innerType : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
