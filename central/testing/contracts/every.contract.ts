/** All that a store promises: each implementation's test calls this once, and a new contract is added here. */
import { claimsContract } from "./claims.contract.ts";
import { fleetContract } from "./fleet.contract.ts";
import { positionsContract } from "./positions.contract.ts";
import { redriveContract } from "./redrive.contract.ts";
import { relayedContract } from "./relayed.contract.ts";
import { type OpenStore, storeContract } from "./store.contract.ts";

/** Runs all suites against one kind of store. */
export function everyStoreContract(name: string, open: OpenStore): void {
  storeContract(name, open);
  claimsContract(name, open);
  positionsContract(name, open);
  relayedContract(name, open);
  redriveContract(name, open);
  fleetContract(name, open);
}
