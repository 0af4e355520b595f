/** Which numbers a vehicle's last state holds, by JSON pointer: what can be plotted, and what is a place. */

/** A field that holds a number. */
export interface NumberField {
  /** RFC 6901. */
  readonly pointer: string;
  readonly value: number;
}

const fieldsMax = 60;
const depthMax = 5;

/** All of them, in the order of the text; none when it is no JSON. */
export function numberFields(text: string): readonly NumberField[] {
  const found: NumberField[] = [];
  const visit = (value: unknown, pointer: string, depth: number) => {
    if (found.length >= fieldsMax || depth > depthMax) return;
    if (typeof value === "number") found.push({ pointer, value });
    if (typeof value !== "object" || value === null) return;
    for (const [name, each] of Object.entries(value)) {
      visit(each, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`, depth + 1);
    }
  };
  try {
    visit(JSON.parse(text), "", 0);
  } catch {
    return []; // no JSON, or cut: nothing to plot
  }
  return found;
}

/** Latitude and longitude that belong together: names that differ in that word alone. */
export function placeFields(
  fields: readonly NumberField[],
): { readonly latitude: string; readonly longitude: string } | undefined {
  for (const { pointer } of fields) {
    const match = /^(.*?)(lat(?:itude)?)$/i.exec(pointer);
    if (match === null) continue;
    const [, before = ""] = match;
    const longitude = fields.find(
      (each) =>
        each.pointer.startsWith(before) && /^(lon|lng|long|longitude)$/i.test(each.pointer.slice(before.length)),
    );
    if (longitude !== undefined) return { latitude: pointer, longitude: longitude.pointer };
  }
  return undefined;
}

/** The last part of a pointer, for people. */
export function fieldTitle(pointer: string): string {
  return pointer === "" ? "value" : pointer.slice(1).replaceAll("/", " › ").replaceAll("~1", "/").replaceAll("~0", "~");
}

/** Those to begin with: what moves, and no numbers of a list or of time. */
export function firstChoice(fields: readonly NumberField[]): readonly string[] {
  const place = placeFields(fields);
  const dull =
    /(^|[/._-])(seq|sequence|id|line|number|ts|time|timestamp|index|version|epoch|lat|lon|lng|latitude|longitude)$/i;
  return fields
    .map(({ pointer }) => pointer)
    .filter((pointer) => pointer !== place?.latitude && pointer !== place?.longitude && !dull.test(pointer))
    .slice(0, 3);
}
