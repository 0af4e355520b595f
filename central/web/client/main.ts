/** The page's program, as the browser starts it. */
import { h, render } from "preact";
import { watchFleetExtras } from "./fleet/fleet-extras.ts";
import { watchFleet } from "./fleet/fleet-state.ts";
import { App } from "./frame/app.ts";
import { watchStatus } from "./frame/status-state.ts";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no place for its program");
render(h(App, null), root);
watchStatus();
watchFleet();
watchFleetExtras();
