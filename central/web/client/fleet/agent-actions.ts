/** What an operator may do with an agent: keep it out, let it in again, close its books. */
import { type ComponentChild, h } from "preact";
import { tell } from "../central/ask.ts";
import { numberIn } from "../central/loose.ts";
import { formatCount } from "../format.ts";
import { Confirm } from "../frame/confirm.ts";

/** `isAside`: it is in quarantine. */
export function AgentActions({
  agent,
  isAside,
}: {
  readonly agent: string;
  readonly isAside: boolean;
}): ComponentChild {
  const turn = async (method: "PUT" | "DELETE"): Promise<string> => {
    const answer = await tell({ method, path: `/api/v1/quarantine/${encodeURIComponent(agent)}` });
    return answer.kind === "body" ? "" : answer.words;
  };
  const forget = async (): Promise<string> => {
    const answer = await tell({ method: "DELETE", path: `/api/v1/ledger?agent=${encodeURIComponent(agent)}` });
    if (answer.kind !== "body") return answer.words;
    return `${formatCount(numberIn(answer.body, "lanes"))} lanes were closed.`;
  };
  return [
    isAside
      ? h(Confirm, {
          key: "in",
          label: "let in",
          question: () =>
            `Take what comes of ${agent} again? What was put aside meanwhile can be tried again under "Put aside".`,
          act: () => turn("DELETE"),
        })
      : h(Confirm, {
          key: "out",
          label: "quarantine",
          question: () =>
            `Put all aside that names ${agent} from now on, until it is let in again? Its books and events stay.`,
          act: () => turn("PUT"),
        }),
    h(Confirm, {
      key: "forget",
      label: "forget",
      question: () =>
        `Close the books of ${agent}? Its events stay. Nobody can say any more what of it is missing, and its next record opens new books.`,
      typed: agent,
      act: forget,
    }),
  ];
}
