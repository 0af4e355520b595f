/** What an expression sees. One object is used again and again. */
export type ExpressionView = {
  vehicle: string;
  stream: string;
  /** Event time. */
  time: Date;
  /** When it was stored: another one in each store. */
  storedAt: Date;
  /** The payload, parsed. */
  event: unknown;
};
