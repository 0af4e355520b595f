import { AppError, messageOf } from "../shared/errors/app-error.ts";
import type { Api } from "./api/api.ts";
import { splitAddress } from "./config/schema.ts";

/** A listening server. */
export interface RunningServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Requests may be this large: there are none with a body. */
const requestBytesMax = 64 * 1024;

/** @throws AppError `CENTRAL_ADDRESS_IN_USE`. */
export function serve(api: Api, listen: string): RunningServer {
  const { host: hostname, port } = splitAddress(listen);
  try {
    const server = Bun.serve({
      hostname,
      port,
      fetch: api.fetch,
      idleTimeout: 30,
      maxRequestBodySize: requestBytesMax,
      development: false,
      // Bun sets SO_REUSEPORT otherwise: a second central would start, and take half of the requests.
      reusePort: false,
    });
    return { url: server.url.href, stop: () => server.stop(true) };
  } catch (thrown) {
    throw new AppError("CENTRAL_ADDRESS_IN_USE", `listen on ${listen}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
