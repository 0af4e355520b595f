import type { ComponentChild } from "preact";
import { BooksView } from "../books/books-view.ts";
import { PutAsideView } from "../books/put-aside-view.ts";
import { ConsumersView } from "../consumers/consumers-view.ts";
import { AgentsView } from "../fleet/agents-view.ts";
import { FleetView } from "../fleet/fleet-view.ts";
import { LakeView } from "../lake/lake-view.ts";
import { LiveView } from "../live/live-view.ts";
import { ReplaysView } from "../replays/replays-view.ts";
import { AlertsView } from "../reports/alerts-view.ts";
import { OutagesView } from "../reports/outages-view.ts";
import { ErasedView } from "../vehicle/erased-view.ts";
import { VehicleView } from "../vehicle/vehicle-view.ts";

/** A part of the page. */
export interface Section {
  /** In the address. */
  readonly id: string;
  /** In the list of sections; one without a title is reached by links. */
  readonly title: string | undefined;
  readonly view: (props: { readonly name: string }) => ComponentChild;
}

/** All of them, in the order in which they are offered. */
export const sections: readonly Section[] = [
  { id: "fleet", title: "Fleet", view: FleetView },
  { id: "vehicle", title: undefined, view: VehicleView },
  { id: "live", title: "Live", view: LiveView },
  { id: "agents", title: "Agents", view: AgentsView },
  { id: "outages", title: "Outages", view: OutagesView },
  { id: "alerts", title: "Alerts", view: AlertsView },
  { id: "books", title: "Gaps & conflicts", view: BooksView },
  { id: "put-aside", title: "Put aside", view: PutAsideView },
  { id: "consumers", title: "Consumers", view: ConsumersView },
  { id: "replays", title: "Replays", view: ReplaysView },
  { id: "lake", title: "Lake", view: LakeView },
  { id: "erased", title: "Erased", view: ErasedView },
];
