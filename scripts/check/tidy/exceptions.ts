/**
 * The one list of exceptions from the tidy rules, each with its reason. A path that does not exist any more is a finding.
 */

/** Modules of some size that no test imports, because something larger tries them. */
export const untestedByThemselves: Readonly<Record<string, string>> = {
  "scripts/check/generate.ts": "every check runs it; what it renders has tests of its own",
  "scripts/check/check.ts": "is the check itself",
  "scripts/check/test.ts": "is the test run itself",
  "scripts/replay/main.ts": "runs the offline-replay tests",
  "scripts/setup/setup.ts": "what it brings in is used by all other tests",
  "scripts/setup/musl-libraries.ts": "musl-binary-runs-alone.e2e.test.ts runs on what it fetches",
  "scripts/pilot/main.ts": "start.e2e.test.ts runs it as a process",
  "scripts/pilot/pilot.ts": "start.e2e.test.ts runs it as a process",
  "scripts/pilot/demo.ts": "start.e2e.test.ts runs it as a process",
  "central/web/client/central/ask.ts":
    "page-fleet.integration.test.ts runs it in a browser, as all of the page's program",
  "central/web/client/list/virtual-list.ts": "page-fleet.integration.test.ts scrolls it",
  "central/web/client/frame/app.ts": "page.integration.test.ts looks at it",
  "central/web/client/fleet/fleet-state.ts": "page-fleet.integration.test.ts reads 10,000 vehicles with it",
  "central/web/client/fleet/fleet-extras.ts": "page-fleet.integration.test.ts runs it in a browser",
  "central/web/client/fleet/fleet-view.ts": "page-fleet.integration.test.ts searches and opens it",
  "central/web/client/live/live-view.ts": "page-fleet.integration.test.ts follows and pauses it",
  "central/web/client/vehicle/history.ts": "page-fleet.integration.test.ts sees its plots",
  "central/web/client/vehicle/plot.ts": "page-fleet.integration.test.ts sees its plots",
  "central/web/client/vehicle/track.ts": "page-fleet.integration.test.ts sees its line",
  "central/web/client/vehicle/heat-map.ts": "page-fleet.integration.test.ts runs it in a browser",
  "central/web/client/vehicle/vehicle-view.ts": "page-fleet.integration.test.ts opens it by keys",
  "central/web/client/books/put-aside-view.ts": "page-fleet.integration.test.ts sees bytes in it",
  "central/web/client/books/redrives.ts": "page-actions.integration.test.ts redrives with it",
  "central/web/client/fleet/agents-view.ts": "page-fleet.integration.test.ts opens it",
  "central/web/client/reports/alerts-view.ts": "page-fleet.integration.test.ts opens it",
  "central/web/client/reports/outages-view.ts": "page-fleet.integration.test.ts opens it",
  "central/web/client/replays/replays-view.ts": "page-actions.integration.test.ts presses what it offers",
  "central/web/client/replays/replay-form.ts": "page-actions.integration.test.ts fills it in",
  "central/web/client/lake/lake-view.ts": "page-actions.integration.test.ts looks at a lake with it",
  "central/web/client/vehicle/erased-view.ts": "page-actions.integration.test.ts takes a vehicle off it",
  "central/web/client/frame/confirm.ts": "page-actions.integration.test.ts says no and yes to it",
  "central/web/client/books/books-view.ts": "page-fleet.integration.test.ts opens it",
  "central/web/client/consumers/consumers-view.ts": "page-fleet.integration.test.ts opens it",
  "scripts/pictures/main.ts": "is looked at: its output are pictures",
  "scripts/pilot/simulator/main.ts": "simulate.test.ts runs it as a process",
  "scripts/pilot/simulator/check.ts": "check.integration.test.ts runs it as a process",
};

/** Files that may be longer than the limit. */
export const longFiles: Readonly<Record<string, string>> = {};

/** Files that nobody imports and that are no entry of their own. */
export const unimported: Readonly<Record<string, string>> = {
  "scripts/build/probe.ts": "is compiled by build.e2e.test.ts",
};

/** Files that read a whole file by a path that no user wrote. */
export const readsOwnFiles: Readonly<Record<string, string>> = {
  "edge/channels/sqlite/provenance.ts": "the machine's own id",
  "edge/listeners/datagram-listener.ts": "tables of the kernel",
  "central/web/bundle.ts": "the page's own sources, when it is built",
  "central/lake/files/parquet.ts": "what the lake has written itself",
  "central/lake/iceberg/avro-file.ts": "what the lake has written itself",
  "central/lake/iceberg/table-files.ts": "what the lake has written itself",
  "shared/config/pattern/analyse.ts": "a package that ships with us",
  "shared/system/asked-help.ts": "a program's own source",
};
