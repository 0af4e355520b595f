import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes as storeCodes } from "../../store/codes.ts";
import type { ReplayJob, ReplayTurn } from "../../store/replay-port.ts";
import { operatorActed } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { problem, problems, problemsWithBody } from "../errors.ts";
import { jobParams, pageOfJobs } from "../jobs.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { replaysOf } from "../supported.ts";
import { Definition, Replay, replayBody } from "./schema.ts";

const responses = {
  200: { description: "The replay.", content: { "application/json": { schema: Replay } } },
  ...problems,
  404: problem("No such replay."),
  501: problem("This store cannot."),
};

const create = createRoute({
  method: "post",
  operationId: "createReplay",
  ...withScope("operate"),
  path: "/api/v1/replays",
  summary: "Reads topics again, into the store or into another topic",
  request: { body: { required: true, content: { "application/json": { schema: Definition } } } },
  responses: {
    201: { description: "It runs.", content: { "application/json": { schema: Replay } } },
    ...problemsWithBody,
    501: problem("This store cannot."),
  },
});

const list = createRoute({
  method: "get",
  operationId: "listReplays",
  ...withScope("read"),
  path: "/api/v1/replays",
  summary: "Replays, the newest first",
  request: { query: z.object({ limit: limitParameter(20, 100), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": { schema: z.object({ replays: z.array(Replay), next: z.string().optional() }) },
      },
    },
    ...problems,
    501: problem("This store cannot."),
  },
});

const one = createRoute({
  method: "get",
  operationId: "getReplay",
  ...withScope("read"),
  path: "/api/v1/replays/{id}",
  summary: "A replay, how far it is, and what became of it",
  request: { params: jobParams },
  responses,
});

function turning<Turn extends ReplayTurn>(turn: Turn, summary: string) {
  return createRoute({
    method: "post",
    operationId: `${turn}Replay`,
    ...withScope("operate"),
    path: `/api/v1/replays/{id}/${turn}`,
    summary,
    request: { params: jobParams },
    responses: { ...responses, 409: problem("Its state does not allow it.") },
  });
}

const pause = turning("pause", "Stops the replay until it is resumed");
const resume = turning("resume", "Goes on where the replay was paused");
const cancel = turning("cancel", "Ends the replay; what it has done stays");

/** POST and GET /api/v1/replays, GET /api/v1/replays/{id}, POST …/pause, …/resume, …/cancel */
export function replays(dependencies: ApiDependencies) {
  const { report } = dependencies;
  const found = async (id: number): Promise<ReplayJob> => {
    const job = await replaysOf(dependencies).reader.replay(id);
    if (job === undefined) throw new AppError(storeCodes.CENTRAL_REPLAY_UNKNOWN, `read replay ${id}: there is none`);
    return job;
  };
  const turned = async (id: number, turn: ReplayTurn, by: { readonly key: string; readonly requestId: string }) => {
    await replaysOf(dependencies).operations.turn(id, turn);
    report(operatorActed, { verb: `${turn} replay`, replay: id, ...by });
    return replayBody(await found(id));
  };
  return resource()
    .openapi(create, async (context) => {
      const definition = context.req.valid("json");
      const key = context.get("keyName");
      const id = await replaysOf(dependencies).operations.create(definition, key);
      const into = definition.into.kind === "topic" ? `topic ${definition.into.topic}` : "store";
      const audited = { replay: id, into, topics: definition.topics?.join(", "), vehicle: definition.vehicle };
      report(operatorActed, { verb: "begin replay", ...audited, key, requestId: context.get("requestId") });
      return context.json(replayBody(await found(id)), 201);
    })
    .openapi(list, async (context) => {
      const read = (beforeId: number | undefined, most: number) =>
        replaysOf(dependencies).reader.replays(beforeId, most);
      const { jobs, more } = await pageOfJobs("replays", context.req.valid("query"), read);
      return context.json({ replays: jobs.map(replayBody), ...more }, 200);
    })
    .openapi(one, async (context) => context.json(replayBody(await found(context.req.valid("param").id)), 200))
    .openapi(pause, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      return context.json(await turned(context.req.valid("param").id, "pause", by), 200);
    })
    .openapi(resume, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      return context.json(await turned(context.req.valid("param").id, "resume", by), 200);
    })
    .openapi(cancel, async (context) => {
      const by = { key: context.get("keyName"), requestId: context.get("requestId") };
      return context.json(await turned(context.req.valid("param").id, "cancel", by), 200);
    });
}
