/** Who speaks on a connection, as the connection tells it. */
export interface Caller {
  /** Common name of its client certificate, which our `tls.clientCa` has signed; undefined: it has none. */
  readonly certificate: string | undefined;
}
