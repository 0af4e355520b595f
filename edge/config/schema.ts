import { z } from "zod";
import { duration } from "../../shared/config/duration.ts";
import { listenAddress } from "../../shared/config/listen-address.ts";
import { path } from "../../shared/config/path.ts";
import { limits } from "../core/limits.ts";
import { TestCases } from "./test-cases.ts";

/** Names stand in identities, topics, file names and metrics: no separator of any of them may occur in one. */
export const legalName = /^[A-Za-z0-9_-]{1,100}$/;
/** The same, as a sentence. */
export const illegalName = "a name has 1 to 100 of the characters A-Z a-z 0-9 _ -";

const part = (what: string) =>
  z
    .record(z.string(), z.unknown(), { error: `not a map of ${what}s by name` })
    .meta({ description: `The ${what}s, by name.` });

/** The config without its components: what belongs to the agent as a whole. */
export const AgentSection = z.strictObject({
  agent: z
    .string({ error: "not a name: write a text" })
    .regex(legalName, { error: illegalName })
    .meta({ description: "Name of the agent: part of every record's identity, unique in the fleet." }),
  dataDir: path().meta({
    description: "Folder for the channel file, its reserve and its lock. One agent, one folder.",
  }),
  linger: duration({ max: limits.lingerBehindMs * 12 })
    .prefault("1s")
    .meta({
      description:
        "How long a line may wait for more lines before it is committed and sent. Longer means more latency, and less CPU, flash wear and bytes on the link.",
    }),
  stopTimeout: duration({ min: 100 })
    .prefault("20s")
    .meta({ description: "How long a stop may take; three quarters of it are for draining." }),
  sources: part("source"),
  channels: part("channel"),
  sinks: part("sink"),
  admin: z
    .strictObject({
      address: listenAddress().prefault("127.0.0.1:9464").meta({
        description:
          "Where it listens: host:port, or the absolute path of a Unix socket, which only the agent's user and root may open (curl --unix-socket PATH http://localhost/readyz). The socket's folder is made, or must belong to the agent's user.",
      }),
      tap: z.boolean().optional().meta({
        description:
          "Whether /tap (`tailgate tap`) shows the content of events to whoever reaches the address. Not given: only on a Unix socket, because who may open that may read the channel file as well. On loopback every user of the machine may ask, so there it must be `true`. On an address that others reach it is refused.",
      }),
    })
    .optional()
    .meta({ description: "HTTP for /metrics, /livez, /readyz, /status and /tap. Not given: none." }),
  heartbeat: z
    .strictObject({
      topic: z
        .string()
        .regex(/^[\w.-]{1,249}$/, { error: "not a topic: letters, digits, dot, dash, underscore" })
        .default("tailgate.heartbeats")
        .meta({
          description:
            "Topic of the heartbeats; the key is the agent's name, so it may be compacted. Made by the Kafka sink's createTopic.",
        }),
      sink: z.string().optional().meta({ description: "Kafka sink that carries them; the first one when left out." }),
      every: duration({ min: 100, max: 86_400_000 }).prefault("30s").meta({
        description:
          "How often. A heartbeat of one lane is some 600 bytes. When three are missing the centre calls the agent silent.",
      }),
      jitter: z.number().min(0).max(1).default(0.2).meta({
        description:
          "By which share of `every` the time between two varies, so that the agents of a fleet do not send at the same time.",
      }),
    })
    .optional()
    .meta({
      description:
        "Tells the centre what only the agent knows: up to which number each lane is, what is still in the vehicle, its version, disk and clock. Not given: no heartbeats.",
    }),
  tests: TestCases,
  log: z
    .strictObject({
      level: z
        .enum(["debug", "info", "warn", "error"])
        .default("info")
        .meta({ description: "The least that is written." }),
      format: z.enum(["text", "json"]).default("text").meta({ description: "Text for people, JSON for machines." }),
    })
    .prefault({})
    .meta({ description: "The agent's own log, on standard error." }),
});
export type AgentSection = z.output<typeof AgentSection>;

/** A channel's name, or a list of them. */
export const ChannelNames = z
  .union([z.string(), z.array(z.string()).min(1, { error: "names no channel" })], {
    error: "write the name of a channel, or a list of names",
  })
  .transform((names) => [names].flat());
