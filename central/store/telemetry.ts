/** What all kinds of store say of rules. */
import { defineSignal } from "../../shared/telemetry/log.ts";

export const alertsWithoutRules = defineSignal({
  name: "alerts_without_rules",
  level: "warn",
  message:
    "The store holds alerts that fire, and no `rulesFile` is configured: they are resolved (resolvedBy: rule), and rules that come back begin anew",
});

export const vehiclesDropped = defineSignal({
  name: "rules_vehicles_dropped",
  level: "warn",
  message:
    "Rules keep the state of too many vehicles: the longest silent are forgotten and begin anew (vehiclesMax in the rules file)",
  atMostEveryMs: 60_000,
});

export const deliveriesDropped = defineSignal({
  name: "alert_deliveries_dropped",
  level: "error",
  message: "Too many alerts wait to be delivered: the oldest are given up; they are in the store, under /api/v1/alerts",
  atMostEveryMs: 60_000,
});
