/** Rules over events, where the config has some. The parser of expressions is loaded only then. */
import { AppError } from "../../shared/errors/app-error.ts";
import type { CentralConfig } from "../config/schema.ts";
import type { DeliveryTarget, RulesTools } from "../store/rules-port.ts";
import type { Store } from "../store/store.ts";

/** @throws AppError `CONFIG_INVALID` when the file has mistakes. */
export async function loadEventRules({ rulesFile, alerts }: CentralConfig): Promise<RulesTools | undefined> {
  if (rulesFile === undefined) return undefined;
  const { readRules } = await import("../rules/file/read.ts");
  const { RulesStep } = await import("../rules/step.ts");
  const targets: DeliveryTarget[] = [];
  if (alerts.webhook !== undefined) targets.push("webhook");
  if (alerts.topic !== undefined) targets.push("topic");
  return { step: new RulesStep(readRules(rulesFile)), targets };
}

/** @throws AppError `CONFIG_INVALID` when this kind of store cannot do what the config asks for. */
export function checkRulesStore(tools: RulesTools | undefined, store: Store, { store: address }: CentralConfig): void {
  if (tools === undefined || store.rules !== undefined) return;
  throw new AppError("CONFIG_INVALID", `run rules: the kind of store that ${address} names does not keep alerts`, {
    hint: "Leave out `rulesFile`, or take a store that keeps alerts (a path: SQLite).",
  });
}
