/**
 * Where a followed file is: one of six states, so that no two that exclude each other can be written. What is seen of it
 * leads from one to the next.
 *
 *                 the roll: its name       the roll: no name here       the descriptor: no link left
 *     log         log, or rotated          elsewhere                    unlinked
 *     rotated     log, or rotated          elsewhere                    deleted
 *     elsewhere   log, or rotated          elsewhere                    deleted
 *     outOfReach  log, or rotated          outOfReach                   it has no descriptor
 *     unlinked    log, or rotated          deleted                      unlinked
 *     deleted     log, or rotated          deleted                      deleted
 */
export type Whereabouts =
  /** Under the name that the config asks for. */
  | "log"
  /** Under another name of its trail. */
  | "rotated"
  /** It has a name, but none in its directory; the descriptor leads to it. */
  | "elsewhere"
  /** It is closed, and its name cannot be looked at. */
  | "outOfReach"
  /** Its descriptor says that no name is left, and no roll was called since: it may be the log still. */
  | "unlinked"
  /** No name is left; the descriptor is all there is. */
  | "deleted";

/** The writer has another file by now. */
export function hasNoLogName(whereabouts: Whereabouts): boolean {
  return whereabouts === "rotated" || whereabouts === "elsewhere" || whereabouts === "deleted";
}

/** After the descriptor was asked whether a name is left. */
export function seenByDescriptor(before: Whereabouts, isLinked: boolean): Whereabouts {
  if (!isLinked) return before === "log" || before === "unlinked" ? "unlinked" : "deleted";
  if (before === "unlinked") return "log";
  return before === "deleted" ? "rotated" : before;
}

/** No name in its directory leads to it, and its descriptor has been asked. */
export function withoutName(before: Whereabouts): Whereabouts {
  return before === "unlinked" || before === "deleted" ? "deleted" : "elsewhere";
}

/** The log is another one from now on. */
export function afterRotation(before: Whereabouts): Whereabouts {
  if (before === "log" || before === "outOfReach") return "rotated";
  return before === "unlinked" ? "deleted" : before;
}

/**
 * What is done with a file. `aside`: it is known, so that it is not taken for something new, and nothing of it is read;
 * `forgotten`: its position is to be forgotten, and somebody else may have it now.
 */
export type Role = "read" | "aside" | "forgotten";
