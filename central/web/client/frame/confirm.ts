/**
 * A button for what is not easily undone: it says first what will become of what, and does it when told so again. The browser's own
 * dialog keeps the keys inside, closes by Escape, and gives the focus back.
 */
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** What it asks, and does. */
export interface ConfirmProps {
  /** On the button, and on the one that does it. */
  readonly label: string;
  /** What will become of what; asked for anew each time. */
  readonly question: () => string | Promise<string>;
  /** Must be written by hand before it is done. */
  readonly typed?: string;
  /** Does it, and says what became of it. */
  readonly act: () => Promise<string>;
}

export function Confirm({ label, question, typed, act }: ConfirmProps): ComponentChild {
  const asked = useSignal<string | undefined>(undefined);
  const said = useSignal("");
  const busy = useSignal(false);
  const alone = (work: () => Promise<void>) => async () => {
    if (busy.value) return;
    busy.value = true;
    await work();
    busy.value = false;
  };
  const ask = alone(async () => {
    said.value = "";
    asked.value = await question();
  });
  const close = () => {
    asked.value = undefined;
  };
  const go = alone(async () => {
    said.value = await act();
    close();
  });
  return h(
    "span",
    { class: "confirm" },
    h("button", { type: "button", class: "chip small", "aria-haspopup": "dialog", onClick: ask }, label),
    said.value !== "" && h("span", { class: "note", role: "status" }, ` ${said.value}`),
    asked.value !== undefined && h(Dialog, { label, words: asked.value, typed, busy: busy.value, go, close }),
  );
}

interface DialogProps {
  readonly label: string;
  readonly words: string;
  readonly typed: string | undefined;
  readonly busy: boolean;
  readonly go: () => void;
  readonly close: () => void;
}

function Dialog({ label, words, typed, busy, go, close }: DialogProps): ComponentChild {
  const box = useRef<HTMLDialogElement>(null);
  const text = useSignal("");
  useEffect(() => box.current?.showModal(), []);
  const ready = !busy && (typed === undefined || text.value === typed);
  const submit = (event: Event) => {
    event.preventDefault();
    if (ready) go();
  };
  return h(
    "dialog",
    { ref: box, class: "card", "aria-label": label, onClose: close },
    h(
      "form",
      { onSubmit: submit },
      h("p", null, words),
      typed !== undefined &&
        h(
          "label",
          { class: "field" },
          h("span", null, "To go on, write ", h("b", null, typed)),
          h("input", {
            name: "typed",
            value: text.value,
            autocomplete: "off",
            spellcheck: false,
            onInput: (event: Event) => {
              if (event.target instanceof HTMLInputElement) text.value = event.target.value;
            },
          }),
        ),
      h(
        "div",
        { class: "bar" },
        h("button", { type: "button", class: "chip", onClick: close }, "Back"),
        h("button", { type: "submit", class: "chip danger", disabled: !ready }, busy ? "One moment …" : label),
      ),
    ),
  );
}
