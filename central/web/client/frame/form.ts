/** Parts of forms: a name over each field, and under it what is wrong with it. */
import { type ComponentChild, h } from "preact";

/** What all fields have. */
interface FieldProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  /** Said beside it; undefined: nothing is wrong. */
  readonly wrong?: string | undefined;
  readonly take: (value: string) => void;
}

/** Of one that is written into. */
export interface TextFieldProps extends FieldProps {
  readonly type?: "text" | "datetime-local";
  /** What it means to leave it empty. */
  readonly empty?: string;
}

/** A line of text, or a time. */
export function TextField({ type = "text", empty = "", take, ...field }: TextFieldProps): ComponentChild {
  const onInput = (event: Event) => {
    if (event.target instanceof HTMLInputElement) take(event.target.value);
  };
  const own = { type, placeholder: empty, autocomplete: "off", spellcheck: false, onInput };
  return around(field, h("input", { ...shared(field), ...own, ...(type === "datetime-local" ? { step: 1 } : {}) }));
}

/** Of one with choices. */
export interface ChoiceFieldProps extends FieldProps {
  readonly choices: readonly (readonly [value: string, words: string])[];
}

/** One of some. */
export function ChoiceField({ choices, take, ...field }: ChoiceFieldProps): ComponentChild {
  const onChange = (event: Event) => {
    if (event.target instanceof HTMLSelectElement) take(event.target.value);
  };
  const options = choices.map(([value, words]) =>
    h("option", { key: value, value, selected: value === field.value }, words),
  );
  return around(field, h("select", { ...shared(field), onChange }, options));
}

function shared({ name, value, wrong }: Omit<FieldProps, "take">) {
  const described = wrong === undefined ? {} : { "aria-describedby": `${name}-wrong` };
  return { name, value, "aria-invalid": wrong !== undefined, ...described };
}

function around({ label, name, wrong }: Omit<FieldProps, "take">, input: ComponentChild): ComponentChild {
  return h(
    "label",
    { class: "field" },
    h("span", null, label),
    input,
    wrong !== undefined && h("small", { id: `${name}-wrong`, class: "bad" }, wrong),
  );
}
