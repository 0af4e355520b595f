/**
 * Questions to central. An answer is what it is: data, nothing there, or not possible; what it cannot be is an exception
 * that leaves a section empty without a word.
 */
import { signal } from "@preact/signals";
import { textIn } from "./loose.ts";
import { type Mistake, mistakesIn } from "./mistakes.ts";

/** What came of a question. */
export type Answer<Body> =
  /** `atMs`: when it came, by the clock that cannot be set. */
  | { readonly kind: "body"; readonly body: Body; readonly atMs: number }
  /** This central has no such thing: another version, or another kind of store. */
  | { readonly kind: "absent"; readonly words: string }
  /** It did not answer, or with a problem. */
  | { readonly kind: "failed"; readonly words: string; readonly refusal?: AskRefusal };

/** Central's own word for why not, and what is wrong with which field. */
export interface AskRefusal {
  readonly code: string;
  readonly mistakes: readonly Mistake[];
}

/** A central that takes the connection and is silent (frozen, swapped out) is as good as dead. */
const answerMs = 3_000;

/** The API key; kept for this tab alone. */
export const key = signal(sessionStorage.getItem("key") ?? "");

/** Central has asked for a key. */
export const locked = signal(false);

/** What went wrong with the last question that was not answered. */
export const trouble = signal("");

/** Takes a key from now on. */
export function enterKey(text: string): void {
  key.value = text;
  sessionStorage.setItem("key", text);
  locked.value = false;
}

/** What goes with each question. */
export function questionHeaders(): Record<string, string> {
  return key.value === "" ? {} : { Authorization: `Bearer ${key.value}` };
}

/** Asks for JSON. */
export async function ask<Body>(path: string, withinMs = answerMs): Promise<Answer<Body>> {
  return await send(path, {}, withinMs);
}

/** What central is told to do, with a key that may. */
export interface Order {
  readonly method: "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: object;
}

/** Tells it. An erasure of much takes its time. */
export async function tell({ method, path, body }: Order): Promise<Answer<unknown>> {
  const told =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  return await send(path, { method, ...told }, 60_000);
}

async function send<Body>(path: string, init: RequestInit, withinMs: number): Promise<Answer<Body>> {
  try {
    const signal = AbortSignal.timeout(withinMs);
    const headers = { ...init.headers, ...questionHeaders() };
    const response = await fetch(path, { ...init, headers, cache: "no-store", signal });
    if (response.status === 401) {
      locked.value = true;
      throw new Error("this central asks for an API key");
    }
    const body = response.status === 204 ? undefined : await response.json();
    if (response.ok) return { kind: "body", body, atMs: performance.now() };
    // The key may read and not this: another one may be entered.
    if (response.status === 403 && key.value !== "") locked.value = true;
    const words = `${body.detail}. ${body.hint}`;
    if (response.status === 404 || response.status === 501) return { kind: "absent", words };
    trouble.value = words;
    return { kind: "failed", words, refusal: refusalOf(body) };
  } catch (thrown) {
    const words = thrown instanceof Error ? thrown.message : String(thrown);
    trouble.value = words;
    return { kind: "failed", words };
  }
}

function refusalOf(problem: unknown): AskRefusal {
  return { code: textIn(problem, "code") ?? "", mistakes: mistakesIn(textIn(problem, "detail") ?? "") };
}
