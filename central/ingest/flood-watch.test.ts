import { beforeEach, describe, expect, test } from "bun:test";
import { VirtualClock } from "../../shared/clock/clock.ts";
import { FloodWatch } from "./flood-watch.ts";

describe("agents that are turned away", () => {
  let clock: VirtualClock;
  let said: string[];
  let floods: FloodWatch;

  beforeEach(() => {
    clock = new VirtualClock(0);
    said = [];
    floods = new FloodWatch(clock, ({ name }, fields) => void said.push(`${name} ${fields?.agent}`));
  });

  const refused = (agent: string, count: number) => floods.count(new Map([[agent, count]]));
  const away = () => [...floods.turnedAway().keys()];

  test("more than 100,000 refused records within a minute, and nobody else", () => {
    for (let second = 0; second < 59; second++) {
      refused("gw-evil", 1_690);
      refused("gw-broken", 1_600);
      clock.advance(1_000);
    }
    expect(away()).toEqual([]);
    refused("gw-evil", 1_690);
    expect(away()).toEqual(["gw-evil"]);
    expect(floods.turnedAway().get("gw-evil")).toContain("gw-evil had more than 100000 records refused");
    expect(said).toEqual(["agent_turned_away gw-evil"]);
    for (let second = 0; second < 3_600; second++) {
      refused("gw-broken", 1_600);
      clock.advance(1_000);
    }
    expect(said).toEqual(["agent_turned_away gw-evil"]);
  });

  test("after a minute it is read again, and once more turned away when it has not come to reason", () => {
    refused("gw-evil", 300_000);
    clock.advance(59_000);
    expect(away()).toEqual(["gw-evil"]);
    clock.advance(1_000);
    expect(away()).toEqual([]);
    refused("gw-evil", 90_000);
    expect(away()).toEqual([]);
    refused("gw-evil", 90_000);
    expect(away()).toEqual(["gw-evil"]);
  });

  test("an operator lets it in at once", () => {
    refused("gw-evil", 300_000);
    refused("gw-other", 300_000);
    floods.letIn("gw-evil");
    expect(away()).toEqual(["gw-other"]);
  });
});
