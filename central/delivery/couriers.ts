import type { Report } from "../../shared/telemetry/log.ts";
import type { CentralConfig } from "../config/schema.ts";
import type { RulesWork } from "../store/rules-port.ts";
import { AlertCourier } from "./alert-courier.ts";
import { AlertTopic } from "./alert-topic.ts";
import type { AlertSink } from "./sink.ts";
import { Webhook } from "./webhook.ts";

/** What the couriers are started with. */
export interface CourierTools {
  readonly rules: RulesWork | undefined;
  readonly report: Report;
  readonly fatal: (thrown: unknown) => void;
}

/** A courier for each place that the config names; none without rules. */
export function startCouriers(
  { alerts, kafka }: CentralConfig,
  { rules, report, fatal }: CourierTools,
): AlertCourier[] {
  if (rules === undefined) return [];
  const sinks: AlertSink[] = [];
  const { webhook, topic } = alerts;
  if (webhook !== undefined) sinks.push(new Webhook({ url: webhook.url, authorization: webhook.authorization }));
  if (topic !== undefined && kafka !== undefined) {
    const { brokers, clientId, tls, sasl } = kafka;
    sinks.push(new AlertTopic({ connection: { brokers, clientId, tls, sasl }, topic, report }));
  }
  return sinks.map((sink) => new AlertCourier({ rules, sink, report, fatal }));
}
