import { createRoute, z } from "@hono/zod-openapi";
import { AppError } from "../../../shared/errors/app-error.ts";
import { codes as storeCodes } from "../../store/codes.ts";
import type { RedriveJob } from "../../store/redrive-port.ts";
import { operatorActed } from "../../telemetry.ts";
import { withScope } from "../access.ts";
import { type ApiDependencies, resource } from "../api.ts";
import { problem, problems, problemsWithBody } from "../errors.ts";
import { jobParams, pageOfJobs } from "../jobs.ts";
import { cursorParameter, limitParameter } from "../parameters.ts";
import { redrivesOf } from "../supported.ts";
import { Redrive, RedriveOrder, redriveBody } from "./schema.ts";

const body = { content: { "application/json": { schema: Redrive } } };
const responses = {
  200: { description: "The redrive.", ...body },
  ...problems,
  404: problem("No such redrive."),
  501: problem("This store cannot."),
};

const begin = createRoute({
  method: "post",
  operationId: "beginRedrive",
  ...withScope("operate"),
  path: "/api/v1/redrives",
  summary: "Tries many dead letters again, in steps: those of a topic, reason or vehicle, or all that there are now",
  request: { body: { required: true, content: { "application/json": { schema: RedriveOrder } } } },
  responses: {
    201: { description: "It runs.", ...body },
    ...problemsWithBody,
    409: problem("Another one runs: no letter is tried by two."),
    501: problem("This store cannot."),
  },
});

const list = createRoute({
  method: "get",
  operationId: "listRedrives",
  ...withScope("read"),
  path: "/api/v1/redrives",
  summary: "Redrives of dead letters, the newest first",
  request: { query: z.object({ limit: limitParameter(20, 100), cursor: cursorParameter }) },
  responses: {
    200: {
      description: "A page.",
      content: {
        "application/json": { schema: z.object({ redrives: z.array(Redrive), next: z.string().optional() }) },
      },
    },
    ...problems,
    501: problem("This store cannot."),
  },
});

const one = createRoute({
  method: "get",
  operationId: "getRedrive",
  ...withScope("read"),
  path: "/api/v1/redrives/{id}",
  summary: "A redrive, how far it is, and what became of the letters",
  request: { params: jobParams },
  responses,
});

const cancel = createRoute({
  method: "post",
  operationId: "cancelRedrive",
  ...withScope("operate"),
  path: "/api/v1/redrives/{id}/cancel",
  summary: "Ends the redrive; what it has done stays",
  request: { params: jobParams },
  responses: { ...responses, 409: problem("It has ended.") },
});

/** POST and GET /api/v1/redrives, GET /api/v1/redrives/{id}, POST …/cancel */
export function redrives(dependencies: ApiDependencies) {
  const { report } = dependencies;
  const found = async (id: number): Promise<RedriveJob> => {
    const job = await redrivesOf(dependencies).reader.job(id);
    if (job !== undefined) return job;
    throw new AppError(storeCodes.CENTRAL_REDRIVE_UNKNOWN, `read redrive ${id}: there is none`);
  };
  return resource()
    .openapi(begin, async (context) => {
      const { all: _, ...choice } = context.req.valid("json");
      const [key, requestId] = [context.get("keyName"), context.get("requestId")];
      const id = await redrivesOf(dependencies).operations.beginRedrive(choice, key);
      const job = await found(id);
      report(operatorActed, { verb: "begin redrive", redrive: id, ...choice, letters: job.letters, key, requestId });
      return context.json(redriveBody(job), 201);
    })
    .openapi(list, async (context) => {
      const read = (beforeId: number | undefined, most: number) => redrivesOf(dependencies).reader.jobs(beforeId, most);
      const { jobs, more } = await pageOfJobs("redrives", context.req.valid("query"), read);
      return context.json({ redrives: jobs.map(redriveBody), ...more }, 200);
    })
    .openapi(one, async (context) => context.json(redriveBody(await found(context.req.valid("param").id)), 200))
    .openapi(cancel, async (context) => {
      const { id } = context.req.valid("param");
      await redrivesOf(dependencies).operations.cancelRedrive(id);
      const [key, requestId] = [context.get("keyName"), context.get("requestId")];
      report(operatorActed, { verb: "cancel redrive", redrive: id, key, requestId });
      return context.json(redriveBody(await found(id)), 200);
    });
}
