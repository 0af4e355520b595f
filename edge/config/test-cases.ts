/** The `tests:` of a config: what goes in at a source's chain, and what must come out of it. `tailgate test` runs them. */
import { z } from "zod";
import type { TextPosition } from "./document.ts";

const time = (description: string) =>
  z.iso
    .datetime({ offset: true, error: 'not a time: write it as "2026-01-01T00:00:00Z"' })
    .transform((text) => Date.parse(text))
    .optional()
    .meta({ description });

const bytes = (description: string) => z.base64({ error: "not Base64" }).optional().meta({ description });

const Expectation = z
  .strictObject({
    filtered: z
      .string()
      .optional()
      .meta({ description: "Name of the interceptor that must drop it (its type, when it has no name)." }),
    body: z.string().optional().meta({ description: "Its bytes, as UTF-8 text." }),
    bodyBase64: bytes("Its bytes, where they are no text."),
    key: z.string().nullable().optional().meta({ description: "Its key; `null`: it must have none." }),
    time: time("Its event time."),
    headers: z
      .record(z.string(), z.string().nullable())
      .optional()
      .meta({ description: "Headers that it must have, `null`: must not have. What is not named may be anything." }),
    channels: z
      .union([z.string(), z.array(z.string())], { error: "write the name of a channel, or a list of names" })
      .transform((names) => [names].flat())
      .optional()
      .meta({ description: "The channels that it must go to, all of them in any order; `[]`: to none." }),
  })
  .refine(({ filtered, ...others }) => filtered === undefined || Object.keys(others).length === 0, {
    error: "an event that is filtered has nothing else to expect",
  })
  .refine(({ body, bodyBase64 }) => body === undefined || bodyBase64 === undefined, {
    error: "`body` and `bodyBase64` say the same: write one of them",
  });
/** What an event must become; only what is named is looked at. */
export type Expectation = z.output<typeof Expectation>;

const TestEvent = z
  .strictObject({
    body: z.string().optional().meta({ description: "The event's bytes, as UTF-8 text; none when left out." }),
    bodyBase64: bytes("The same, where they are no text."),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .meta({ description: "Headers that the source has set: a file's name, what a peer sent." }),
    key: z.string().optional().meta({ description: "The key, where the source sets one." }),
    time: time(
      "When it is read: the clock moves to here. Without it, it stays where it was; it begins at 2026-01-01T00:00:00Z.",
    ),
    expect: Expectation.optional().meta({
      description:
        "What must become of it; what is not named is not looked at, and `{}` says that it comes through. Without it the event only goes before the others.",
    }),
  })
  .refine(({ body, bodyBase64 }) => body === undefined || bodyBase64 === undefined, {
    error: "`body` and `bodyBase64` say the same: write one of them",
  });
/** One event of a test, as the source would append it. */
export type TestEvent = z.output<typeof TestEvent>;

const TestCase = z.strictObject({
  name: z.string().min(1).meta({ description: "What it shows, as a sentence." }),
  source: z.string().meta({ description: "The source whose interceptors and selector the events pass through." }),
  events: z
    .array(TestEvent)
    .min(1, { error: "holds no event" })
    .meta({ description: "One after the other, as the source would append them." }),
});

/** The section. */
export const TestCases = z.array(TestCase).default([]).meta({
  description:
    "What the interceptors and selectors must do, for `tailgate test`. `run` reads them and does nothing with them.",
});
/** One test: events that pass through the interceptors and the selector of a source. */
export type TestCase = z.output<typeof TestCase>;

/** A test with the places of its events in the file. */
export interface PlacedTest extends TestCase {
  readonly places: readonly TextPosition[];
}
