// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the module that is printed has its own.
import type { Command } from "./command.ts";

/** `tailgate init interceptor`: the module that is printed, as its test runs it. */
export const interceptorSkeleton = `/**
 * An interceptor: a function that sees every event, between its source and its channels. In the config:
 *
 *     interceptors:
 *       - { type: module, path: /etc/tailgate/interceptor.ts, options: { header: area, value: north } }
 *
 * Where a Flume interceptor had a Builder with configure(Context), options come here; where it had
 * intercept(Event), the function below is called. It changes the event it is given; there is no list of events.
 *
 *     Flume (Java)                        here
 *     new String(event.getBody(), UTF_8)  view.text()
 *     event.setBody(bytes)                view.setBody(Buffer.from(text))
 *     event.getHeaders().get("a")         view.header("a")
 *     event.getHeaders().put("a", "b")    view.setHeader("a", "b")
 *     event.getHeaders().remove("a")      view.removeHeader("a")
 *     return null                         return false
 *
 * view.key is the record's key, view.eventTimeMs its time. Keep no reference to view: the next event has the same one.
 * Whatever it throws is counted and logged, and the event passes as it is. It runs for every event: compile patterns
 * outside of the function.
 */
export default function (options) {
  const { header = "area", value = "unknown", drop } = options;
  const unwanted = drop === undefined ? undefined : new RegExp(drop);
  return (view) => {
    if (unwanted?.test(view.text())) return false;
    if (view.header(header) === undefined) view.setHeader(header, value);
    return true;
  };
}
`;

/** Prints a module to begin with, for who brings an interceptor of their own from Flume. */
export const initInterceptor: Command = {
  name: "init interceptor",
  summary: "Prints a module to start an interceptor of your own from, with Flume's words beside ours",
  options: {},
  details: "tailgate init interceptor > /etc/tailgate/interceptor.ts",
  run(_given, { out }) {
    out(interceptorSkeleton);
    return 0;
  },
};
