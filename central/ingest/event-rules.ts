/** Rules over events, where the config has some. The parser of expressions is loaded only then. */
import { AppError } from "../../shared/errors/app-error.ts";
import type { CentralConfig } from "../config/schema.ts";
import { shownAddress } from "../config/store-address.ts";
import type { StoreKind } from "../store/kind.ts";
import type { DeliveryTarget, RulesTools } from "../store/rules-port.ts";

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
export function checkRulesStore({ rulesFile, store }: CentralConfig, { keepsAlerts, scheme }: StoreKind): void {
  if (rulesFile === undefined || keepsAlerts) return;
  throw new AppError(
    "CONFIG_INVALID",
    `run the rules of \`rulesFile\`: a store of the kind ${scheme}:// does not keep alerts (${shownAddress(store)})`,
    { hint: "Leave out `rulesFile`, or take a store that keeps alerts (a path: SQLite)." },
  );
}
