/** How alerts stand in the table: columns of `AlertColumns`. */
export const alertColumns = `number, id, grp as "group", rule, kind, vehicle, stream, state, since as sinceMs, fired as firedMs,
  resolved as resolvedMs, resolved_by as resolvedBy, stored_at as storedMs, value, labels, annotations, event`;
