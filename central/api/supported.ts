import { AppError } from "../../shared/errors/app-error.ts";
import { codes as lakeCodes } from "../lake/codes.ts";
import type { Lake } from "../lake/lake.ts";
import type { RedriveOperations, ReplayOperations } from "../replay/calls.ts";
import { codes } from "../replay/codes.ts";
import type { RedriveReader } from "../store/redrive-port.ts";
import type { ReplayReader } from "../store/replay-port.ts";
import type { ApiDependencies } from "./api.ts";

/** Both doors of replay. @throws AppError `CENTRAL_REPLAY_UNSUPPORTED` for a kind of store that has none. */
export function replaysOf({ reader, replays }: ApiDependencies): {
  readonly reader: ReplayReader;
  readonly operations: ReplayOperations;
} {
  if (reader.replays !== undefined && replays !== undefined) return { reader: reader.replays, operations: replays };
  throw new AppError(codes.CENTRAL_REPLAY_UNSUPPORTED, "replay: this kind of store does not have it");
}

/** Both doors of redrive. @throws AppError `CENTRAL_REDRIVE_UNSUPPORTED` for a kind of store that has none. */
export function redrivesOf({ reader, redrives }: ApiDependencies): {
  readonly reader: RedriveReader;
  readonly operations: RedriveOperations;
} {
  if (reader.redrives !== undefined && redrives !== undefined) {
    return { reader: reader.redrives, operations: redrives };
  }
  throw new AppError(codes.CENTRAL_REDRIVE_UNSUPPORTED, "redrive: this kind of store does not have it");
}

/** @throws AppError `CENTRAL_LAKE_OFF` where none is configured. */
export function lakeOf({ lake }: ApiDependencies): Lake {
  if (lake !== undefined) return lake;
  throw new AppError(lakeCodes.CENTRAL_LAKE_OFF, "look at the lake: this central has none");
}
