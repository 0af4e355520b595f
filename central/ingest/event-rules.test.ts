import { expect, test } from "bun:test";
import { loadConfig } from "../config/load.ts";
import { storeKindOf } from "../store/kinds.ts";
import { checkRulesStore } from "./event-rules.ts";

const configOf = (store: string, rules = "/etc/rules.yaml") =>
  loadConfig({ file: undefined, environment: { TAILGATE_STORE: store, TAILGATE_RULES_FILE: rules } });

test("rules beside a store that keeps no alerts are a mistake of the config, told without the store's password", () => {
  const config = configOf("postgres://me:hidden@host/db");
  const kind = { ...storeKindOf(config.store), keepsAlerts: false };
  const check = () => checkRulesStore(config, kind);
  expect(check).toThrow(expect.objectContaining({ code: "CONFIG_INVALID", severity: "usage" }));
  expect(check).toThrow("rulesFile");
  expect(check).not.toThrow("hidden");
  for (const store of ["central.db", "postgres://me@host/db"]) {
    const keeps = configOf(store);
    checkRulesStore(keeps, storeKindOf(keeps.store));
  }
});

test("without rules any kind will do", () => {
  const config = configOf("postgres://me@host/db", "");
  checkRulesStore(config, storeKindOf(config.store));
});
