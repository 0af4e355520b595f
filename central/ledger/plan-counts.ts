/** What an append comes to, in records. */
export interface PlanCounts {
  stored: number;
  /** Of vehicles that were erased: accounted for, and not stored. */
  suppressed: number;
  /** In the books already, lost by the store, put back. */
  restored: number;
  withoutIdentity: number;
  repeated: number;
  conflicts: number;
  shed: number;
  refused: number;
}

/** None of anything. */
export function nothingYet(): PlanCounts {
  return {
    stored: 0,
    suppressed: 0,
    restored: 0,
    withoutIdentity: 0,
    repeated: 0,
    conflicts: 0,
    shed: 0,
    refused: 0,
  };
}
