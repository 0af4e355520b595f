import type { Refused } from "../../listeners/http/request.ts";

/** A body that is not what it should be; `index` names the event that is wrong, counted from 0. */
export interface WrongBody extends Refused {
  readonly index?: number;
}

/** What all events of a request have. */
export interface Common {
  readonly key?: string;
  readonly headers: Readonly<Record<string, string>>;
}
