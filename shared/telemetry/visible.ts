/** Characters that a terminal acts on, or that turn around what stands beside them: controls (C0, DEL, C1), marks of direction, line separators. */
const acting = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

/**
 * A text for a terminal or a log whose names and contents somebody else chose: what would act is written as `\u001b`.
 * Line ends and tabs stay where the text is several lines (`lines`).
 */
export function visible(text: string, lines = false): string {
  return text.replace(acting, (character) => {
    if (lines && (character === "\n" || character === "\t")) return character;
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
