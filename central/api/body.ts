import { bodyLimit } from "hono/body-limit";
import { AppError } from "../../shared/errors/app-error.ts";
import { codes } from "./codes.ts";

/** A body of JSON holds an order: a range, a choice, the ids of some dead letters. Bodies of records are bounded by `relay.bodyBytesMax`. */
export const jsonBytesMax = 64 * 1024;

/** Refuses a longer one, whether it says how long it is or not. */
export const boundJson = bodyLimit({
  maxSize: jsonBytesMax,
  onError: () => {
    throw new AppError(codes.CENTRAL_BODY_TOO_LARGE, `read the body: it has more than ${jsonBytesMax} bytes`);
  },
});
