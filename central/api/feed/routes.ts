import { createRoute, z } from "@hono/zod-openapi";
import { AppError, hasCode } from "../../../shared/errors/app-error.ts";
import { streamed } from "../../../shared/http/streamed.ts";
import type { FeedPosition } from "../../store/feed-port.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { codes } from "../codes.ts";
import { problemsWithNotHere } from "../errors.ts";
import { nameParameter, numberParameter } from "../parameters.ts";
import { RequestSlots } from "../slots.ts";
import { feedIds } from "./feed-ids.ts";
import { FeedHub } from "./hub.ts";

const description = `Server-sent events, without an end. Each event that is stored from now on is one message whose data is an
\`Event\`, in the order in which it stood in its partition. With the header \`Last-Event-ID\` it goes on after that message.

Events of other types say what a message cannot: \`ready\` (at the beginning); \`skipped\` (so many \`events\` were not sent,
because there were more than \`perSecondMax\` or than a round holds); \`lost\` (what came after \`Last-Event-ID\` cannot be told
event by event any more: \`why\`, and the offsets that are \`notShown\`; it goes on from now); \`store\` (the store is away, or
back); \`dropped\` (the client was too slow; the stream ends). A comment comes every ten seconds.`;

const follow = createRoute({
  method: "get",
  operationId: "followEvents",
  ...withScope("read"),
  path: "/api/v1/events/stream",
  summary: "Events as they are stored, by all centrals on this store",
  request: {
    query: z.object({
      vehicle: nameParameter("All vehicles when not given.").optional(),
      stream: nameParameter("All streams when not given.").optional(),
      perSecondMax: numberParameter(
        { min: 1, max: 10_000, standard: 1_000 },
        "More events in a second are counted in `skipped`, and not sent.",
      ),
    }),
  },
  responses: {
    200: { description, content: { "text/event-stream": { schema: z.string() } } },
    ...problemsWithNotHere,
  },
});

/** Streams at once. */
const subscribersMax = 64;
/** A client that takes not even a heartbeat for so long is cut off. */
const stallMs = 60_000;

/** GET /api/v1/events/stream */
export function liveFeed({ feed, clock, report }: ApiDependencies) {
  const slots = new RequestSlots(subscribersMax, codes.CENTRAL_TOO_MANY_SUBSCRIBERS);
  const hub = feed && new FeedHub({ feed, clock, report });
  return resource().openapi(follow, async (context) => {
    const { vehicle, stream, perSecondMax } = context.req.valid("query");
    if (hub === undefined) {
      throw new AppError(codes.CENTRAL_NOT_IN_THIS_STORE, "follow events: this kind of store cannot be followed");
    }
    const free = slots.take("follow events");
    try {
      const after = positionOf(context.req.header("Last-Event-ID"));
      const subscriber = await hub.join({ vehicle, stream, perSecondMax }, after);
      const ended = () => {
        hub.leave(subscriber);
        free();
      };
      return context.body(streamed({ parts: subscriber.parts(), stallMs, ended }), 200, {
        "Content-Type": "text/event-stream; charset=utf-8",
        // Proxies that gather an answer before they pass it on would hold it for ever.
        "X-Accel-Buffering": "no",
      });
    } catch (thrown) {
      free();
      throw thrown;
    }
  });
}

/** One that is none of ours is a position that nobody knows: the stream begins with `lost`, where an error would end it for good. */
function positionOf(id: string | undefined): FeedPosition | undefined {
  if (id === undefined || id === "") return undefined;
  try {
    return feedIds.read(id);
  } catch (thrown) {
    if (hasCode(thrown, codes.CENTRAL_BAD_REQUEST)) return [];
    throw thrown;
  }
}
