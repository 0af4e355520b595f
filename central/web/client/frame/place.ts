/** Where the reader is: it stands after the # of the address, so that a link leads there and "back" works. */
import { signal } from "@preact/signals";

/** A section, and what is looked at in it. */
export interface Place {
  readonly section: string;
  readonly name: string;
}

/** Of the address. */
export const place = signal<Place>(readPlace(location.hash));

addEventListener("hashchange", () => {
  place.value = readPlace(location.hash);
});

/** `#/vehicle/car%2F1` is the vehicle `car/1`. */
export function readPlace(hash: string): Place {
  const [section = "", ...rest] = hash.replace(/^#\/?/, "").split("/");
  return { section: section === "" ? "fleet" : section, name: decode(rest.join("/")) };
}

/** The address of a place. */
export function linkTo(section: string, name = ""): string {
  return name === "" ? `#/${section}` : `#/${section}/${encodeURIComponent(name)}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // written by hand, with a % that is none: it stands for itself
  }
}
