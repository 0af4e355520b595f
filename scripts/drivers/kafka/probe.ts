import { clusterView } from "./requests.ts";

/** Whether a broker's plain listener answers with a cluster that has a broker which is not fenced, that is one that takes requests. */
export async function brokerAnswers(port: number, withinMs = 500): Promise<boolean> {
  return await clusterView(port, undefined, withinMs).then(
    ({ brokers }) => brokers.length > 0,
    // Nobody listens, or it is not an answer: both mean not yet.
    () => false,
  );
}
