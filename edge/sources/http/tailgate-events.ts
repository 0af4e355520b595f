/** Events as the http sink of another agent posts them: objects with the id that their agent gave them. */
import { z } from "zod";
import { IDENTITY_HEADER } from "../../../shared/identity/identity.ts";
import { textOfBytes } from "../../../shared/kafka/record-batch/byte-text.ts";
import { originOf } from "../../records/origins.ts";
import type { PushedEvent } from "../../records/push-desk.ts";
import type { Common, WrongBody } from "./posted.ts";

const Posted = z.object({
  id: z.string().max(400),
  time: z.int(),
  key: z.string().optional(),
  keyBase64: z.base64().optional(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  bodyBase64: z.base64().optional(),
});

/** The events of a body: a line each, or one array. */
export function tailgateEvents(body: Buffer, common: Common, eventsMax: number): readonly PushedEvent[] | WrongBody {
  const list = listIn(body.toString("utf8").trim());
  if (list === undefined) return { status: 400, reason: "the body is not JSON, an event a line or one array of them" };
  if (list.length > eventsMax) return { status: 413, reason: `more than ${eventsMax} events` };
  const events: PushedEvent[] = [];
  for (const [index, each] of list.entries()) {
    const event = eventOf(each, common);
    if (event === undefined) {
      return { status: 400, reason: `event ${index} is not as an http sink posts it, or has no id of an agent`, index };
    }
    events.push(event);
  }
  return events;
}

function listIn(text: string): readonly unknown[] | undefined {
  try {
    const list: unknown = JSON.parse(text.startsWith("[") ? text : `[${text.replaceAll("\n", ",")}]`);
    return Array.isArray(list) ? list : undefined;
  } catch {
    return undefined;
  }
}

function eventOf(raw: unknown, common: Common): PushedEvent | undefined {
  const parsed = Posted.safeParse(raw);
  const origin = parsed.success ? originOf(parsed.data.id) : undefined;
  if (!parsed.success || origin === undefined) return undefined;
  const { body, bodyBase64, keyBase64, time, headers } = parsed.data;
  const { key = keyBase64 === undefined ? common.key : textOfBytes(Buffer.from(keyBase64, "base64")) } = parsed.data;
  // Here it gets an identity of its own; the one that it had is its origin.
  const own = Object.entries(headers).filter(([name]) => name !== IDENTITY_HEADER);
  return {
    body: bodyBase64 === undefined ? Buffer.from(body ?? "", "utf8") : Buffer.from(bodyBase64, "base64"),
    eventTimeMs: time,
    headers: Object.fromEntries([...Object.entries(common.headers), ...own]),
    origin,
    ...(key === undefined ? {} : { key }),
  };
}
