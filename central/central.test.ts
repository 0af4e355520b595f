import { expect, test } from "bun:test";
import { endInTime } from "./central.ts";

test("a stop that takes too long is said as what it is, and is no success", async () => {
  const never = new Promise<void>(() => {});
  const late = await endInTime(never, 20).catch((thrown: unknown) => thrown);
  expect(late).toMatchObject({ code: "CENTRAL_STOP_SLOW", severity: "transient" });
  expect(String(late)).toContain("fetched records in hand");
  await endInTime(Promise.resolve(), 20);
});
