import { AppError } from "../../../shared/errors/app-error.ts";
import { defineCodes } from "../../../shared/errors/error-code.ts";

/** Error codes of the database source. */
export const codes = defineCodes({
  EDGE_DATABASE_AWAY: {
    severity: "transient",
    hint: "Check that the database runs and is reached at this address. Its rows wait there; it is tried again by itself.",
  },
  EDGE_DATABASE_REFUSED: {
    severity: "transient",
    hint: "Check user, password, certificates and the rights of this user: it needs SELECT on what it reads. It is tried again by itself.",
  },
  EDGE_DATABASE_UNFIT: {
    severity: "transient",
    hint: "Correct the config, or what it reads. The position stays where it is, and it is tried again by itself.",
  },
});

/** The config and what it reads do not fit together. */
export function unfit(message: string): AppError {
  return new AppError(codes.EDGE_DATABASE_UNFIT, message);
}
