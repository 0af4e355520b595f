/** Erases a vehicle, once its name has been written by hand. */
import { type ComponentChild, h } from "preact";
import { tell } from "../central/ask.ts";
import { numberIn } from "../central/loose.ts";
import { formatCount } from "../format.ts";
import { Confirm } from "../frame/confirm.ts";

export function EraseVehicle({ vehicle }: { readonly vehicle: string }): ComponentChild {
  return h(
    "p",
    null,
    h(Confirm, {
      label: "Erase this vehicle",
      question: () =>
        `Remove all that is stored of ${vehicle}: events, last states, the bytes of its dead letters, its rows in the lake?\n\nIt cannot be undone. Nothing of it is stored again, by a replay neither, until it is taken off the list of erased vehicles. The numbers of its records stay in the books.`,
      typed: vehicle,
      act: async () => {
        const answer = await tell({
          method: "DELETE",
          path: `/api/v1/vehicles?vehicle=${encodeURIComponent(vehicle)}`,
        });
        if (answer.kind !== "body") return answer.words;
        return `Erased: ${formatCount(numberIn(answer.body, "events"))} events are gone.`;
      },
    }),
  );
}
