/** The shape of a rules file: that of Prometheus alerting rules, with the conditions of a stream of events. */
import { z } from "zod";
import { duration } from "../../../shared/config/duration.ts";

const second = 1_000;
const day = 86_400_000;

/** Bounds of a file. They are here so that no rule can need more than a little of one vehicle's state. */
export const fileBounds = {
  bytes: 1024 * 1024,
  rules: 200,
  labels: 20,
  textLength: 1_000,
  windowMs: 7 * day,
  latenessMs: 3_600_000,
  vehicles: 1_000_000,
  testEvents: 100_000,
} as const;

const name = (what: string) =>
  z.string().regex(/^[a-zA-Z][\w.-]{0,63}$/, `${what}: a letter, then letters, digits, dot, dash, underscore`);
const expression = () =>
  z.string("write a CEL expression as a text").min(1, "it is empty").max(2_000, "at most 2000 characters");
const text = () => z.string().max(fileBounds.textLength);
const span = (min = 1) => duration({ min, max: fileBounds.windowMs });
const texts = z
  .record(z.string().regex(/^[a-zA-Z]\w{0,63}$/, "a name: a letter, then letters, digits and underscore"), text())
  .refine((all) => Object.keys(all).length <= fileBounds.labels, `at most ${fileBounds.labels}`);
const window = { over: span(second).optional(), session: span().optional() };

/** One rule as it is written. */
export const RuleFields = z.strictObject({
  alert: name("the alert's name"),
  streams: z.array(z.union([z.literal("*"), z.string().min(1).max(249)])).min(1),
  expr: expression().optional(),
  edge: expression().optional(),
  sequence: z.strictObject({ first: expression(), second: expression(), within: span() }).optional(),
  absence: z.strictObject({ of: expression().optional(), within: span() }).optional(),
  count: z.strictObject({ of: expression().optional(), ...window, above: z.number().min(0).max(1e9) }).optional(),
  average: z
    .strictObject({
      of: expression(),
      where: expression().optional(),
      ...window,
      above: z.number().optional(),
      below: z.number().optional(),
      values: z.int().min(1).max(1e6).default(1),
    })
    .optional(),
  for: duration({ max: fileBounds.windowMs }).default(0),
  maxGap: span().optional(),
  whenSilent: z.enum(["wait", "hold"]).default("wait"),
  minInterval: duration({ max: fileBounds.windowMs }).default(second),
  lateness: duration({ max: fileBounds.latenessMs }).default(0),
  value: expression().optional(),
  labels: texts.default({}),
  annotations: texts.default({}),
});
export type RuleFields = z.output<typeof RuleFields>;

const moment = () => duration({ max: 30 * day });

/** An event of a unit test, or a series of equal ones. */
export const TestEvent = z.strictObject({
  at: moment(),
  /** When the topic had it; as soon as it happened when not given. */
  arrived: moment().optional(),
  every: span().optional(),
  times: z.int().min(1).max(10_000).default(1),
  vehicle: z.string().optional(),
  stream: z.string().optional(),
  event: z.unknown().optional(),
  /** Bytes that need not be JSON, in the place of `event`. */
  text: z.string().optional(),
});

/** An alert that a unit test expects; what is not said is not looked at. */
export const TestAlert = z.strictObject({
  alert: z.string(),
  vehicle: z.string().optional(),
  state: z.enum(["firing", "resolved", "occurred"]).optional(),
  since: moment().optional(),
  at: moment().optional(),
  resolved: moment().optional(),
  value: z.string().optional(),
  summary: z.string().optional(),
});

/** One unit test. */
export const RuleTest = z.strictObject({
  name: z.string().min(1).max(200),
  rules: z.array(z.string()).optional(),
  vehicle: z.string().default("vehicle-1"),
  stream: z.string().optional(),
  events: z.array(TestEvent).max(1_000),
  /** Time passes up to here without an event. */
  until: moment().optional(),
  alerts: z.array(TestAlert),
});
export type RuleTest = z.output<typeof RuleTest>;

/** The whole file. */
export const RulesFile = z.strictObject({
  vehiclesMax: z.int().min(1).max(fileBounds.vehicles).default(20_000),
  groups: z.array(z.strictObject({ name: name("the group's name"), rules: z.array(RuleFields) })),
  tests: z.array(RuleTest).max(1_000).default([]),
});
export type RulesFile = z.output<typeof RulesFile>;
