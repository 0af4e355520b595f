import { AppError } from "../../../shared/errors/app-error.ts";
import type { FleetService } from "../../status/fleet.ts";
import { codes } from "../codes.ts";

/** @throws AppError `CENTRAL_NOT_IN_THIS_STORE` when the store keeps neither heartbeats nor hours. */
export function kept(fleet: FleetService | undefined): FleetService {
  if (fleet !== undefined) return fleet;
  throw new AppError(
    codes.CENTRAL_NOT_IN_THIS_STORE,
    "read the fleet: this kind of store keeps no heartbeats and no hours",
  );
}
