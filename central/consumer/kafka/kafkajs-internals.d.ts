/** Types of the kafkajs 2.2.4 module that its package does not declare: only what the fetch seam uses. */
declare module "kafkajs/src/protocol/requests" {
  interface Prepared {
    readonly request: object;
    readonly response: {
      decode(bytes: Buffer): Promise<object>;
      /** Throws the first partition's error, if there is one. */
      parse(decoded: object): Promise<object>;
    };
    readonly requestTimeout?: number;
  }
  const protocol: {
    readonly requests: {
      readonly Fetch: {
        readonly versions: readonly string[];
        protocol: (options: { readonly version: number }) => (options: object) => Prepared;
      };
    };
  };
  export default protocol;
}
