import { expect, test } from "bun:test";
import { FakeIntake } from "../testing/fakes/intake.ts";
import { Origins, originOf } from "./origins.ts";

test("an id is a lane and a number, or none", () => {
  expect(originOf("gw-1/e1/driving.0/17")).toEqual({ lane: "gw-1/e1/driving.0", seq: 17 });
  for (const wrong of ["", "a/b/1", "a/b/c.0/", "a/b/c.0/-1", "a/b/c.0/99999999999999999", "a b/c/d.0/1", "/b/c.0/1"]) {
    expect([wrong, originOf(wrong)]).toEqual([wrong, undefined]);
  }
});

test("lanes without end take no memory without end: the one that was quiet longest is forgotten, in the store too", () => {
  const intake = new FakeIntake();
  const origins = new Origins(new Map([["first", "5"]]));
  expect(origins.isNew({ lane: "first", seq: 4 }, intake)).toBe(false);
  for (let lane = 0; lane < 100_000; lane++) origins.isNew({ lane: `lane ${lane}`, seq: 0 }, intake);
  expect(origins.lanesKnown).toBe(100_000);
  intake.commit();
  expect(intake.work.positions.has("first")).toBe(false);
  expect(intake.work.positions.size).toBe(100_000);
});
