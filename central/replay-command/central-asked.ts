/** A running central, asked over HTTP: its answers, or what it has against the question. */
import { readSecret } from "../../shared/config/secret.ts";
import { AppError } from "../../shared/errors/app-error.ts";
import { readNamedText, textBytesMax } from "../../shared/files/read-named.ts";
import { createClient } from "../client.ts";
import type { Asking } from "./arguments.ts";
import { codes } from "./codes.ts";

const urlStandard = "http://127.0.0.1:8080";
/** A central that takes the connection and is silent is as good as none. */
const answerMs = 10_000;

/** How questions go out. */
export type Send = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Whom to ask, by the command line and the environment. @throws AppError `USAGE`. */
export function centralAsked(
  { url, keyFile, ca }: Asking,
  environment: Readonly<Record<string, string | undefined>>,
  send: Send = fetch,
) {
  const file = keyFile ?? environment.TAILGATE_API_KEY_FILE;
  const key = file === undefined ? environment.TAILGATE_API_KEY : keyIn(file);
  const tls = ca === undefined ? {} : { tls: { ca: readNamedText(ca, { bytesMax: textBytesMax }) } };
  const asking: Send = (input, init) => send(input, { ...init, ...tls, signal: AbortSignal.timeout(answerMs) });
  const ours = { fetch: Object.assign(asking, { preconnect: fetch.preconnect }) };
  const address = url ?? environment.TAILGATE_CENTRAL_URL ?? urlStandard;
  if (!URL.canParse(address)) throw new AppError("USAGE", `ask central: "${address}" is no URL`);
  return createClient(address, key === undefined || key === "" ? ours : { ...ours, key });
}

/** What a command asks. */
export type CentralAsked = ReturnType<typeof centralAsked>;

function keyIn(file: string): string {
  const read = readSecret(file);
  if (read.ok) return read.text.trim();
  throw new AppError("USAGE", read.message, read.hint === undefined ? {} : { hint: read.hint });
}

/** Of what the typed client hands out, as much as is looked at here. */
interface Answered<Body> {
  readonly ok: boolean;
  readonly status: number;
  json(): Promise<Body>;
}

type BodyOf<Answer> = Answer extends { readonly ok: true; json(): Promise<infer Body> } ? Body : never;

/**
 * The body of an answer.
 *
 * @throws AppError `CENTRAL_COMMAND_AWAY` where there is none, or not now; `CENTRAL_COMMAND_REFUSED` with central's own words.
 */
export async function bodyOf<Answer extends Answered<unknown>>(
  doing: string,
  question: Promise<Answer>,
): Promise<BodyOf<Answer>> {
  let answer: Answer;
  let body: unknown;
  try {
    answer = await question;
    body = await answer.json();
  } catch (thrown) {
    throw new AppError(codes.CENTRAL_COMMAND_AWAY, doing, { cause: thrown });
  }
  if (isBody(answer, body)) return body;
  const { detail, hint } = problemIn(body);
  const code =
    answer.status >= 500 || answer.status === 429 ? codes.CENTRAL_COMMAND_AWAY : codes.CENTRAL_COMMAND_REFUSED;
  throw new AppError(
    code,
    `${doing}: ${detail ?? `central answers ${answer.status}`}`,
    hint === undefined ? {} : { hint },
  );
}

function isBody<Answer extends Answered<unknown>>(answer: Answer, _body: unknown): _body is BodyOf<Answer> {
  return answer.ok;
}

function problemIn(body: unknown): { readonly detail?: string; readonly hint?: string } {
  if (typeof body !== "object" || body === null) return {};
  const textIn = (name: "detail" | "hint") => {
    const found: unknown = Reflect.get(body, name);
    return typeof found === "string" ? { [name]: found } : {};
  };
  return { ...textIn("detail"), ...textIn("hint") };
}
